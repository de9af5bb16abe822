"""A dry run says what would change, resource by resource, and what would be lost."""

from typing import Any

from scripts.deploying.change_words import change_lines


def template(**resources: dict[str, Any]) -> dict[str, Any]:
    return {"Resources": resources}


def queue(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": properties}


def test_what_is_the_same_is_not_named() -> None:
    same = template(Q=queue(VisibilityTimeout=30))
    assert change_lines(same, same, ()) == []


def test_what_is_made_changed_and_deleted_is_named() -> None:
    old = template(Old=queue(), Q=queue(VisibilityTimeout=30, Tags={"a": 1}))
    new = template(New=queue(), Q=queue(VisibilityTimeout=60, Tags={"a": 2}))
    assert change_lines(old, new, ()) == [
        "+ SQS Queue New",
        "- SQS Queue Old is DELETED",
        "~ SQS Queue Q: Tags.a 1 -> 2; VisibilityTimeout 30 -> 60",
    ]


def test_a_new_name_is_said_to_replace() -> None:
    (line,) = change_lines(template(Q=queue(QueueName="a")), template(Q=queue(QueueName="b")), ())
    assert "QueueName a -> b (REPLACES it" in line


def test_what_is_retained_leaves_the_stack_and_stays() -> None:
    (line,) = change_lines(template(Q={**queue(), "DeletionPolicy": "Retain"}), template(), ())
    assert line == "- SQS Queue Q leaves the stack, and stays"


def test_that_data_would_no_longer_be_retained_is_said() -> None:
    old, new = ({**queue(), "DeletionPolicy": policy} for policy in ("Retain", "Delete"))
    assert change_lines(template(Q=old), template(Q=new), ()) == ["~ SQS Queue Q: DeletionPolicy Retain -> Delete"]


def test_code_is_compared_by_content_and_not_by_where_it_was_uploaded() -> None:
    old, new = (
        template(F={"Type": "AWS::Lambda::Function", "Properties": {"Code": {"S3Key": key}}}) for key in ("a", "b")
    )
    assert change_lines(old, new, ()) == []
    assert change_lines(old, new, {"F"}) == ["~ Lambda Function F: other code"]


def test_what_a_condition_leaves_out_is_not_made() -> None:
    conditions = {
        "On": {"Fn::Equals": ["on", "on"]},
        "Told": {"Fn::Not": [{"Fn::Equals": ["", ""]}]},
        "Both": {"Fn::And": [{"Condition": "On"}, {"Condition": "Told"}]},
        "One": {"Fn::Or": [{"Condition": "On"}, {"Condition": "Told"}]},
    }
    resources = {f"Of{name}": {**queue(), "Condition": name} for name in conditions}
    lines = change_lines({}, {"Conditions": conditions, "Resources": resources}, ())
    assert lines == ["+ SQS Queue OfOn", "+ SQS Queue OfOne"]
