"""The small AWS client does what boto3's would: same arguments, same answers, same errors."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, ClassVar

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from handlers.demo.local_aws import LocalAws, local_aws
from receiver.aws.client import JsonClient
from receiver.core.errors import AccessDenied, Misconfigured
from receiver.read_settings import from_environ
from receiver.secrets import SecretCache, ask_aws

OpenClient = Callable[[str, Mapping[str, str]], JsonClient]
_names = count(1)


@pytest.fixture
def open_client() -> Iterator[OpenClient]:
    """Clients that are closed after the test."""
    with ExitStack() as stack:
        yield lambda service, environ: stack.enter_context(closing(JsonClient(service, environ=environ)))


@pytest.fixture
def env(local_aws: LocalAws) -> dict[str, str]:
    return {**local_aws.env, "AWS_REGION": local_aws.env["AWS_DEFAULT_REGION"]}


@pytest.mark.aws
class TestAgainstAws:
    def test_a_transaction_is_written_and_read_back(
        self, open_client: OpenClient, local_aws: LocalAws, env: dict[str, str]
    ) -> None:
        table = a_table(local_aws)
        ours = open_client("dynamodb", env)
        put = {
            "Put": {"TableName": table, "Item": {"pk": {"S": "a"}}, "ConditionExpression": "attribute_not_exists(pk)"}
        }
        ours.transact_write_items(TransactItems=[put])
        there = local_aws.client("dynamodb").get_item(TableName=table, Key={"pk": {"S": "a"}})["Item"]
        assert ours.get_item(TableName=table, Key={"pk": {"S": "a"}})["Item"] == there == {"pk": {"S": "a"}}

    def test_a_refused_transaction_says_what_boto3_says(
        self, open_client: OpenClient, local_aws: LocalAws, env: dict[str, str]
    ) -> None:
        table = a_table(local_aws)
        ours, boto3 = open_client("dynamodb", env), local_aws.client("dynamodb")
        put = {
            "Put": {"TableName": table, "Item": {"pk": {"S": "a"}}, "ConditionExpression": "attribute_not_exists(pk)"}
        }
        ours.transact_write_items(TransactItems=[put])
        said = []
        for client in (ours, boto3):
            with pytest.raises(ClientError) as refused:
                client.transact_write_items(TransactItems=[put])
            response: Any = refused.value.response
            said.append((response["Error"], response["CancellationReasons"], refused.value.operation_name))
        assert said[0] == said[1]
        assert said[0][0]["Code"] == "TransactionCanceledException"

    def test_a_queue_is_found_and_written_to(
        self, open_client: OpenClient, local_aws: LocalAws, env: dict[str, str]
    ) -> None:
        name = f"json-{next(_names)}"
        local_aws.client("sqs").create_queue(QueueName=name)
        ours = open_client("sqs", env)
        ours.send_message(QueueUrl=ours.get_queue_url(QueueName=name)["QueueUrl"], MessageBody="ding")
        assert [item["Body"] for item in local_aws.messages(name)] == ["ding"]

    def test_a_missing_queue_has_the_code_that_boto3_gives(
        self, open_client: OpenClient, local_aws: LocalAws, env: dict[str, str]
    ) -> None:
        codes = []
        for client in (open_client("sqs", env), local_aws.client("sqs")):
            with pytest.raises(ClientError) as refused:
                client.get_queue_url(QueueName="nobody")
            codes.append(refused.value.response["Error"]["Code"])
        assert codes[0] == codes[1]

    def test_secrets_are_read_from_both_places(
        self, open_client: OpenClient, local_aws: LocalAws, env: dict[str, str]
    ) -> None:
        local_aws.client("secretsmanager").create_secret(Name="json/secret", SecretString="hush")
        local_aws.client("ssm").put_parameter(Name="/json/secret", Value="hush", Type="SecureString")
        manager, parameters = open_client("secretsmanager", env), open_client("ssm", env)
        assert manager.get_secret_value(SecretId="json/secret")["SecretString"] == "hush"
        found = parameters.get_parameter(Name="/json/secret", WithDecryption=True)
        assert found["Parameter"]["Value"] == "hush"

    def test_a_setting_points_to_a_secret_of_aws(self, local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in local_aws.env.items():
            monkeypatch.setenv(name, value)
        local_aws.client("secretsmanager").create_secret(Name="mailroom/inside", SecretString='{"KEY": "llx-1"}')
        local_aws.client("ssm").put_parameter(Name="/mailroom/token", Value="t1", Type="SecureString")
        settings = from_environ(
            {
                "LLAMA_CLOUD_API_KEY": "secretsmanager:mailroom/inside#KEY",
                "MAILROOM_TOKEN_SECRETS": "ssm:/mailroom/token",
            },
            vault=SecretCache(ask_aws),
        )
        assert settings.llama_cloud_api_key.reveal() == "llx-1"
        assert settings.token_secrets.reveal() == "t1"

    @pytest.mark.slow
    def test_a_wrong_signature_is_refused_and_a_right_one_is_not(self, open_client: OpenClient) -> None:
        with local_aws(enforce_iam=True) as strict:
            strict.client("sqs").create_queue(QueueName="guarded")
            good = {**strict.env, "AWS_REGION": "us-east-1"}
            assert open_client("sqs", good).get_queue_url(QueueName="guarded")["QueueUrl"]
            with pytest.raises(ClientError):
                open_client("sqs", {**good, "AWS_ACCESS_KEY_ID": "AKIANOBODY"}).get_queue_url(QueueName="guarded")


def a_table(aws: LocalAws) -> str:
    name = f"json-{next(_names)}"
    aws.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


class Moody(BaseHTTPRequestHandler):
    """An AWS that does what ``moods`` says, one after the other, and then answers."""

    protocol_version = "HTTP/1.1"
    moods: ClassVar[list[str]] = []
    seen: ClassVar[list[tuple[int, Any]]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.seen.append((self.client_address[1], body))
        mood = self.moods.pop(0) if self.moods else "fine"
        if mood == "hang up":
            self.close_connection = True
            return
        status, answer = {
            "fine": (200, {"ok": True}),
            "busy": (400, {"__type": "com.amazonaws#ThrottlingException", "message": "slow down"}),
            "broken": (503, "<html>"),
            "refuse": (400, {"__type": "com.amazonaws#ValidationException", "message": "no"}),
        }[mood]
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture
def moody() -> Iterator[dict[str, str]]:
    """The environment that leads to a moody AWS."""
    Moody.moods, Moody.seen = [], []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Moody)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
    }
    server.shutdown()
    server.server_close()
    thread.join()


class TestTrouble:
    @pytest.mark.parametrize("mood", ["hang up", "busy", "broken"])
    def test_what_passes_is_tried_again(self, open_client: OpenClient, moody: dict[str, str], mood: str) -> None:
        Moody.moods = [mood, mood]
        assert open_client("dynamodb", moody).list_tables() == {"ok": True}
        assert len(Moody.seen) == 3

    def test_what_does_not_pass_is_raised_at_once(self, open_client: OpenClient, moody: dict[str, str]) -> None:
        Moody.moods = ["refuse"]
        with pytest.raises(ClientError, match="ValidationException"):
            open_client("dynamodb", moody).list_tables()
        assert len(Moody.seen) == 1

    def test_it_gives_up_after_three_attempts(self, open_client: OpenClient, moody: dict[str, str]) -> None:
        Moody.moods = ["broken"] * 9
        with pytest.raises(ClientError):
            open_client("dynamodb", moody).list_tables()
        assert len(Moody.seen) == 3

    def test_a_repeated_transaction_says_that_it_is_the_same(
        self, open_client: OpenClient, moody: dict[str, str]
    ) -> None:
        Moody.moods = ["hang up"]
        client = open_client("dynamodb", moody)
        client.transact_write_items(TransactItems=[])
        client.transact_write_items(TransactItems=[])
        tokens = [body["ClientRequestToken"] for _, body in Moody.seen]
        assert tokens[0] == tokens[1]
        assert tokens[1] != tokens[2]

    def test_a_connection_is_kept_between_calls(self, open_client: OpenClient, moody: dict[str, str]) -> None:
        client = open_client("sqs", moody)
        for _ in range(3):
            client.list_queues()
        assert len({port for port, _ in Moody.seen}) == 1

    def test_nobody_there_is_botocores_error_too(
        self, open_client: OpenClient, moody: dict[str, str], closed_port: int
    ) -> None:
        client = open_client("sqs", {**moody, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{closed_port}"})
        with pytest.raises(EndpointConnectionError):
            client.list_queues()


class TestWhereAndWho:
    def test_an_endpoint_of_the_service_alone_wins(self, open_client: OpenClient, moody: dict[str, str]) -> None:
        client = open_client("sqs", {**moody, "AWS_ENDPOINT_URL_SQS": "https://elsewhere.example"})
        assert client.meta.endpoint_url == "https://elsewhere.example"

    @pytest.mark.parametrize(
        ("region", "address"),
        [
            ("eu-central-1", "https://sqs.eu-central-1.amazonaws.com"),
            ("cn-north-1", "https://sqs.cn-north-1.amazonaws.com.cn"),
        ],
    )
    def test_without_one_it_is_the_regions(
        self, open_client: OpenClient, moody: dict[str, str], region: str, address: str
    ) -> None:
        there = {name: value for name, value in moody.items() if name != "AWS_ENDPOINT_URL"}
        assert open_client("sqs", {**there, "AWS_REGION": region}).meta.endpoint_url == address

    def test_a_missing_region_is_named(
        self, open_client: OpenClient, moody: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
        monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
        with pytest.raises(Misconfigured, match="no AWS region") as refused:
            open_client("sqs", {"AWS_ACCESS_KEY_ID": "a"})
        assert "AWS_DEFAULT_REGION" in refused.value.fix

    def test_missing_credentials_are_named(
        self, open_client: OpenClient, moody: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
        with pytest.raises(AccessDenied):
            open_client("sqs", {name: value for name, value in moody.items() if "KEY" not in name})
