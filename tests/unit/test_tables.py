"""Wrong routing tables of many kinds are refused with what to do, and right ones are not.

The destinations are the real ones; nobody is asked.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from handlers.destinations.registry import destinations
from receiver.bootstrap import own_places
from receiver.config import parse
from receiver.core.errors import Misconfigured
from receiver.operations.check_config import check_config
from tests.receivers import settings_with

SQS = "sqs://https://sqs.eu-central-1.amazonaws.com/123456789012"
ENVIRON = {
    "NO_WHSEC": "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLUSw",
    "HOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLUSw",
    "KMS_KEY": "alias/mail",
    "BAD_TAG": "a&b",
    "STAGE": "prod",
    "AWS_REGION": "eu-central-1",
}
OWN = {
    "MAILROOM_SPOOL": "s3://spool/documents/",
    "MAILROOM_SPOOL_HERE": "folder:///var/mailroom/spool",
    "MAILROOM_QUEUE": "sqs://doorbell",
    "MAILROOM_INBOX": f"{SQS}/inbox",
    "MAILROOM_PUBLIC_URL": "https://mail.example/webhooks/llamacloud",
}
TABLE = """\
classify:
  rules:
    - {type: invoice, description: has a number and a total amount}
    - {type: contract, description: an agreement with signatures}
routes:
ROWS
no_match: {review: true}
low_confidence: {review: true}
failed: {to: s3://mail/failed/}
"""
HOOK = "secret: env:HOOK_SECRET"
LONG = "x" * 129


def problems(rows: str, environ: Mapping[str, str] = ENVIRON) -> list[str]:
    """What is wrong with a table of these rows, or odd about it."""
    text = TABLE.replace("ROWS", "\n".join(f"  {line}" for line in rows.splitlines()))
    try:
        config = parse(text, environ)
    except Misconfigured as error:
        return str(error).splitlines()
    return [str(item) for item in check_config(config, destinations(environ=environ), adopted=False, own=OWN)]


def errors(rows: str, environ: Mapping[str, str] = ENVIRON) -> list[str]:
    """What is wrong with a table of these rows."""
    return [item for item in problems(rows, environ) if not item.startswith("warning: ")]


def a_queue(host: str, *, scheme: str = "https", account: str = "123456789012") -> str:
    return to(f'"sqs://{scheme}://{host}/{account}/q"')


def to(*targets: str) -> str:
    """A table whose invoices go to these places."""
    return f"- {{type: [invoice, contract], min_confidence: 0.5, to: [{', '.join(targets)}]}}"


def s3(options: str, bucket: str = "mail") -> str:
    return to(f'{{to: "s3://{bucket}/in/", {options}}}')


def when(conditions: str) -> str:
    return to("s3://mail/in/") + f"\n- {{type: invoice, name: x, when: {conditions}, to: s3://mail/x/}}"


def two_rows(first: str, second: str) -> str:
    return (
        f"- {{type: invoice, name: copy, continue: true, to: [{first}]}}\n"
        f"- {{type: [invoice, contract], min_confidence: 0.5, to: [{second}]}}"
    )


ROLE = "arn:aws:iam::123456789012:role"
AWS_QUEUE = "sqs://https://sqs.eu-central-1.amazonaws.com/123456789012/q"


def by(role: str) -> str:
    return s3(f"role: '{role}'")


def at(url: str, endpoint: str) -> str:
    return to(f"{{to: '{url}', endpoint: '{endpoint}'}}")


WRONG = {
    "a role of another world": (by(ROLE.replace("arn:aws", "arn:aws-moon") + "/x"), "'aws-moon' is no partition"),
    "a role whose name is too long": (by(f"{ROLE}/{'x' * 65}"), "the name of a role has 64 characters at most"),
    "a role whose path is too long": (by(f"{ROLE}/{'x' * 600}/y"), "its path 512"),
    "a role that ends in a slash": (by(f"{ROLE}/mail/"), "is not a role"),
    "a role with an empty part": (by(f"{ROLE}//mail"), "is not a role"),
    "the host of the bucket itself": (
        at("s3://mail/in/", "https://mail.s3.example.com"), "is the host of a bucket: write that of the store, https://s3.example.com",
    ),
    "the host of a bucket of AWS": (
        at("s3://mail/in/", "https://other.s3.eu-central-1.amazonaws.com"), "https://s3.eu-central-1.amazonaws.com",
    ),
    "a queue of AWS at another service": (at(AWS_QUEUE, "https://elastic.example.com"), "the queue is at sqs.eu"),
    "a path in an endpoint": (
        at("s3://mail/in/", "https://minio.example.com/mail"), "leave /mail out: bucket and key",
    ),
    "one type twice": ("- {type: [invoice, invoice], to: s3://mail/in/}", "'invoice' is given twice; keep one"),
    "a subject of two lines": (when('{subject: "a\\nb"}'), "has a line break, which this never has"),
    "a sender of two lines": (when('{not: {sender: "a@b\\nc"}}'), "has a line break, which this never has"),
    "a signing secret that is none": (
        to('{to: "https://mail.example/x", secret: env:NO_WHSEC}'), "NO_WHSEC must hold whsec_ and base64",
    ),
    "a tag with an ampersand": (s3('tags: "a=b&c"'), "'b&c' holds &: S3 takes letters"),
    "a tag's name with a question mark": (s3('tags: "a?=b"'), "'a?' holds ?"),
    "a tag of AWS's own": (s3('tags: "AWS:x=1"'), "that begin with aws: are reserved for AWS; choose another name"),
    "a tag that replaces a promised one": (s3("tags: type=other"), "'type' is reserved for Mailroom"),
    "a tag that stands twice": (s3('tags: "a=1, a=2"'), "'a' is given 2 times; keep one"),
    "a tag's name that is too long": (s3(f"tags: {LONG}=1"), "has 129 characters; S3 takes 128"),
    "a tag's value that is too long": (s3(f"tags: a={'x' * 257}"), "has 257 characters; S3 takes 256"),
    "too many tags": (s3(f"tags: '{', '.join(f't{n}=1' for n in range(8))}'"), "8 pairs are more than 7"),
    "a tag from a variable that S3 refuses": (s3("tags: team=env:BAD_TAG"), "variable BAD_TAG does not hold name="),
    "metadata with a space in its name": (s3('metadata: "cost center=7"'), "'cost center' becomes a header name"),
    "metadata with a colon in its name": (s3('metadata: "a:b=7"'), "without spaces"),
    "metadata with an umlaut in its name": (s3('metadata: "größe=7"'), "'größe' becomes a header name"),
    "metadata of our own": (s3('metadata: "Delivery-Id=7"'), "'delivery-id' is reserved for Mailroom"),
    "metadata twice but for large letters": (s3('metadata: "Team=a, team=b"'), "'team' is given 2 times"),
    "3,212 bytes of metadata": (s3(f"metadata: a={'x' * 3211}"), "3212 bytes of names and values are more than"),
    "keys that a long name makes too long": (
        to('"s3://mail/{stem}/{stem}/{stem}/{stem}/{stem}/"'),
        "S3 takes 1024: use fewer fields",
    ),
    "a key that is long by itself": (to(f"s3://mail/{'x' * 900}/"), "keys of 1124 bytes"),
    "an empty kms_key": (s3('kms_key: ""'), "option kms_key is empty: leave it out"),
    "a kms_key of spaces": (s3('kms_key: "  "'), "option kms_key is empty"),
    "a kms_key that is none": (s3('kms_key: "my key"'), "write its id, alias/NAME, or its ARN"),
    "the ARN of something else": (s3('kms_key: "arn:aws:iam::123456789012:role/x"'), "role/x' is not a KMS key"),
    "a storage class of directory buckets": (s3("storage_class: EXPRESS_ONEZONE"), "only directory buckets"),
    "a storage class of ordinary buckets": (
        s3("storage_class: GLACIER, tags: none", bucket="mail--euc1-az1--x-s3"),
        "a directory bucket has EXPRESS_ONEZONE only",
    ),
    "tags in a directory bucket": (to("s3://mail--euc1-az1--x-s3/in/"), "write `tags: none`"),
    "a storage class that is only read": (s3("storage_class: OUTPOSTS"), "'OUTPOSTS' is not one of STANDARD"),
    "a storage class in small letters": (s3("storage_class: glacier"), "'glacier' is not one of STANDARD"),
    "a document where its manifest lies": (
        to('"s3://mail/{document_id}"', '"s3://mail/{document_id}.mailroom.json"'),
        "is that of a manifest; use another ending",
    ),
    "a document that may be called like a manifest": (
        to('"s3://mail/{document_id}"', '"s3://mail/{document_id}.{filename}"'),
        "can be where the manifest of s3://mail/{document_id} is stored",
    ),
    "the same in folders": (
        to('"folder:///mail/{document_id}"', '"folder:///mail/{document_id}.mailroom.json"'),
        "is that of a manifest",
    ),
    "a bucket that looks like an address": (to("s3://192.168.1.1/in/"), "must not look like an IP address"),
    "a bucket with two dots": (to("s3://mail..archive/in/"), "is not a valid bucket name"),
    "a bucket that S3 keeps": (to("s3://xn--mail/in/"), "S3 reserves"),
    "a bucket's ARN": (to('"s3://arn:aws:s3:::mail/in/"'), "is an ARN: write the bucket's name"),
    "an alias of a key without its name": (s3("kms_key: alias/"), "write its id, alias/NAME, or its ARN"),
    "an alias in other letters": (s3("kms_key: Alias/mail"), "'Alias/mail' is not a KMS key"),
    "a key's id with the word before it": (s3("kms_key: key/1234abcd-12ab-34cd-56ef-1234567890ab"), "is not a KMS key"),
    "a key's ARN without its id": (
        s3('kms_key: "arn:aws:kms:eu-central-1:123456789012:key/"'),
        "is not a KMS key: write its",
    ),
    "a key's ARN in no region": (
        s3('kms_key: "arn:aws:kms:xx-central-1:123456789012:key/1234abcd"'),
        "'xx-central-1' is not an AWS region",
    ),
    "a key's ARN in another partition": (
        s3('kms_key: "arn:aws:kms:cn-north-1:123456789012:key/1234abcd"'),
        "cn-north-1 is in another partition: write arn:aws-cn:kms:cn-north-1:…",
    ),
    "an alias in a directory bucket": (
        s3("kms_key: alias/mail, tags: none", bucket="mail--euc1-az1--x-s3"),
        "a directory bucket does not accept an alias",
    ),
    "the end of an access point's alias": (to("s3://mail-s3alias/in/"), "S3 reserves this ending"),
    "the end of an Object Lambda access point's alias": (to("s3://mail--ol-s3/in/"), "S3 reserves this ending"),
    "a multi-region access point": (to("s3://mfzwi23gnjvgw.mrap/in/"), "S3 reserves"),
    "the beginning of S3's own buckets": (to("s3://sthree-configurator/in/"), "S3 reserves"),
    "the beginning of S3's examples": (to("s3://amzn-s3-demo-bucket/in/"), "S3 reserves"),
    "a table bucket": (to("s3://mail--table-s3/in/"), "S3 reserves"),
    "a directory bucket without its zone": (
        s3("tags: none", bucket="mail--x-s3"),
        "its name ends in --ZONE--x-s3, as in mail--euc1-az1--x-s3",
    ),
    "a directory bucket with a dot": (s3("tags: none", bucket="my.mail--euc1-az1--x-s3"), "is not a directory bucket"),
    "a queue at a host of somebody": (
        a_queue("evil.example"),
        "evil.example is not an SQS host: write sqs.REGION.amazonaws.com; of another service AWS_ENDPOINT_URL_SQS, or",
    ),
    "a queue at a host that ends like AWS's": (
        a_queue("sqs.eu-west-1.amazonaws.com.evil.example"),
        "is not an SQS host",
    ),
    "a queue at a misspelt host of AWS's": (a_queue("sqs.eu-west-1.amazonaw.com"), "is not an SQS host"),
    "a queue in no region": (a_queue("sqs.xx-west-1.amazonaws.com"), "'xx-west-1' is not an AWS region"),
    "a queue of China at the usual host": (
        a_queue("sqs.cn-north-1.amazonaws.com"),
        "region cn-north-1 is not at sqs.cn-north-1.amazonaws.com: write sqs.cn-north-1.amazonaws.com.cn",
    ),
    "a queue of Europe at China's host": (a_queue("sqs.eu-west-1.amazonaws.com.cn"), "write sqs.eu-west-1.amaz"),
    "a queue of the sovereign cloud at the usual host": (
        a_queue("sqs.eusc-de-east-1.amazonaws.com"),
        "write sqs.eusc-de-east-1.amazonaws.eu",
    ),
    "a name that the sweep removes": (
        to('"folder:///mail/.mailroom-{document_id}.part"'),
        "a name that begins with .mailroom- is that of an unfinished file",
    ),
    "a path that long names make too long": (
        to(f'"folder:///mail/{"{stem}/" * 24}"'),
        "bytes; 4095 can be: use fewer fields",
    ),
    "a file where a folder must be": (
        to('"folder:///mail/{document_id}"', '"folder:///mail/{document_id}/{filename}"'),
        "needs a folder where routes[0].to[0] puts a file, folder:///mail/{document_id}",
    ),
    "a folder where a manifest lies": (
        two_rows('"folder:///mail/{document_id}"', '"folder:///mail/{document_id}.mailroom.json/x"'),
        "needs a folder where routes[0].to[0] puts a file",
    ),
    "a category of what is no piece": (
        when("{source: [email, folder], parent_category: invoice}"),
        "can never match: source and parent_category exclude each other: only a piece of a packet has a category",
    ),
    "a sender of what was adopted": (when("{source: adopted, sender: '*@acme.example'}"), "the sender of adopted jobs"),
    "pages of a text that came by upload": (
        when("{source: upload, media_type: text/csv, min_pages: 2}"),
        "source, media_type and min_pages exclude each other: only PDFs have a page count",
    ),
    "an empty pattern": (when("{name: 'glob:'}"), "'glob:' is an empty pattern"),
    "options as a mapping": (
        s3("tags: {team: finance}"),
        'must be text, a number, true or false; write several values in one text: "name=value, name=value"',
    ),
    "an option without a value": (s3("kms_key: "), "routes[0].to[0].kms_key: is empty; leave it out"),
    "another vendor's bucket": (to("gs://mail/in/"), "no destination serves gs://"),
    "a broker": (to("kafka://mail"), "no destination serves kafka://"),
    "an ARN alone": (to("arn:aws:sqs:eu-central-1:123456789012:q"), "write it like s3://bucket/prefix/ or sqs://queue"),
    "a field that is formatted": (to('"s3://mail/{document_id:>40}"'), "{document_id} takes no format"),
    "a field by its number": (to('"s3://mail/{0}/"'), "unknown field {0}"),
    "a brace that is not closed": (to('"s3://mail/{type/"'), "without its }"),
    "a month in another word": (to('"s3://mail/{yyyy}-{MM}/"'), "unknown field {MM}"),
    "a key with its secret in an address": (to("s3://key:secret@mail/in/"), "is not a valid bucket name"),
    "a queue's account alone": (to("sqs://123456789012/q"), "lacks the account"),
    "a queue's region alone": (to("sqs://eu-central-1/123456789012/q"), "eu-central-1 is not an SQS host"),
    "a FIFO queue in other letters": (to("sqs://q.FIFO"), "is not a valid queue name"),
    "an option of SQS that is none here": (to("{to: sqs://q, delay: 10}"), "unknown option 'delay'"),
    "encryption in another word": (s3("sse: aws:kms"), "unknown option 'sse'"),
    "metadata as tags have it": (s3("metadata: none"), "'none' is not name=value"),
    "a secret in the table": (
        to('{to: "https://a.example/x", secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLUSw}'),
        "write secret: env:NAME",
    ),
    "an endpoint of the network over http": (to(f'{{to: "http://10.0.0.5/x", {HOOK}}}'), "use https:"),
    "a way in that does not exist": (when("{source: mail}"), "'mail' is not a source; did you mean email?"),
    "a category that does not exist": (when("{parent_category: invoise}"), "did you mean 'invoice'?"),
    "the same inside of not": (
        when("{name: '*.pdf', not: {any: [{parent_category: x-ray}]}}"),
        "no piece of a packet has the category 'x-ray'; there are invoice, contract, uncategorized",
    ),
    "a variable in the middle of a part": (to("s3://mail/in-env:STAGE/"), "put it between slashes"),
    "a variable in the middle of an option": (s3("kms_key: my-env:KMS_KEY"), "put it between slashes"),
    "a variable of an option that is not set": (s3("kms_key: env:NO_KEY"), "the variable NO_KEY is not set; export"),
    "a queue's host from a document": (to('"sqs://https://{sender}/1/q"'), "a queue's address must be written out"),
    "a queue's name from a document": (to(f'"{SQS}/{{type}}"'), "is not a valid queue name"),
    "a queue's address with a query": (to(f'"{SQS}/q?x=1"'), "is not a valid queue name"),
    "a queue with a slash at its end": (to("sqs://invoices/"), "write it without the slash at the end"),
    "a queue's ARN": (
        to("sqs://arn:aws:sqs:eu-west-1:123456789012:q"),
        "write sqs://https://sqs.eu-west-1.amazonaws.com/123456789012/q",
    ),
    "an AWS queue over http": (to("sqs://http://sqs.eu-west-1.amazonaws.com/123456789012/q"), "use https:"),
    "one endpoint by two names of its host": (
        to("{to: 'https://bü.example/h', unsigned: true}", "{to: 'https://xn--b-eha.example./h', unsigned: true}"),
        "is the same place as to[0]",
    ),
    "one endpoint with an escape that needs none": (
        to("{to: 'https://acme.example/h', unsigned: true}", "{to: 'https://acme.example/%68', unsigned: true}"),
        "is the same place as to[0]",
    ),
    "a queue without its account": (to("sqs://https://sqs.eu-west-1.amazonaws.com/q"), "lacks the account"),
    "an account of eleven digits": (
        to("sqs://https://sqs.eu-west-1.amazonaws.com/12345678901/q"),
        "must have twelve digits",
    ),
    "a host of another service": (
        to("sqs://https://sns.eu-west-1.amazonaws.com/123456789012/q"),
        "is not an SQS host: write sqs.REGION.amazonaws.com",
    ),
    "a queue's name that is too long": (to(f"sqs://{'q' * 76}.fifo"), "at most 80 letters"),
    "one queue by name and by address": (to("sqs://q", f"{SQS}/q"), "may be the same place as to[0], sqs://q; remove"),
    "one queue by two spellings of its address": (
        to(f'"{SQS}/q"', '"sqs://SQS.eu-central-1.amazonaws.com/123456789012/q"'),
        "is the same place as to[0]; remove one of the two",
    ),
    "one queue by its old host": (
        to(f'"{SQS}/q"', '"sqs://https://eu-central-1.queue.amazonaws.com/123456789012/q"'),
        "is the same place as to[0]",
    ),
    "one queue in two rows that one document takes": (
        two_rows("sqs://q", f"{SQS}/q"),
        "may be the same place as routes[0].to[0] (copy), which says continue",
    ),
    "one place with other options in two rows": (
        two_rows("{to: s3://mail/in/, tags: a=1}", "s3://mail/in/"),
        "is the same place as routes[0].to[0] (copy), which says continue; remove one of the two, or write both alike",
    ),
    "one folder in two spellings": (to("folder:///mail/in/", "folder:///mail//in/"), "is the same place as to[0]"),
    "one endpoint in two spellings": (
        to(f'{{to: "https://Mail.example:443/x", {HOOK}}}', f'{{to: "https://mail.example/x", {HOOK}}}'),
        "is the same place as to[0]",
    ),
    "the spool's own bucket": (to("s3://spool/documents/x/"), "is used by Mailroom itself (MAILROOM_SPOOL)"),
    "the spool's own folder": (
        to("folder:///var/mailroom/spool/mail/"),
        "is used by Mailroom itself (MAILROOM_SPOOL_HERE)",
    ),
    "the queue that wakes the workers": (to(f"{SQS}/doorbell"), "is used by Mailroom itself (MAILROOM_QUEUE)"),
    "the queue that mail comes in by": (to("sqs://inbox"), "is used by Mailroom itself (MAILROOM_INBOX)"),
    "our own webhook": (
        to(f'{{to: "https://MAIL.example:443/webhooks/llamacloud", {HOOK}}}'),
        "is used by Mailroom itself (MAILROOM_PUBLIC_URL)",
    ),
    "a port that does not exist": (to(f'{{to: "https://mail.example:99999/x", {HOOK}}}'), "not a URL: "),
    "a password that ends the host": (
        to(f'{{to: "https://u:PASS/w@mail.example/x", {HOOK}}}'),
        "not a URL: its host or its port is invalid",
    ),
    "a bracket that is never closed": (to(f'{{to: "https://[x/", {HOOK}}}'), "not a URL: its host or its port"),
    "a host that is none": (to(f'{{to: "https://mail_.-example/x", {HOOK}}}'), "has the host 'mail_.-example'"),
    "a space in an address": (to(f'{{to: "https://mail.example/a b", {HOOK}}}'), "it has a space"),
    "a secret that signs nothing": (
        to(f'{{to: "https://mail.example/x", unsigned: true, {HOOK}}}'),
        "remove one of them",
    ),
    "unsigned in another word": (
        to(f'{{to: "https://mail.example/x", unsigned: "yes", {HOOK}}}'),
        "'yes' must be true or false",
    ),
    "a folder's name that a long file name makes too long": (
        to('"folder:///mail/{document_id}/{sender}-{filename}"'),
        "file systems take 255: put a slash between the fields",
    ),
    "a home folder": (to('"folder:///~/mail/"'), "~ is not expanded here: write the whole path"),
    "a shell's variable": (to('"folder:///$HOME/mail/"'), "$HOME is not expanded here"),
    "a folder at the root from a document": (to('"folder:///{sender}/"'), "the folder must be written out"),
    "an address with a bell in it": (to('"s3://mail/\\u0007/"'), "has an unprintable character"),
}  # fmt: skip

RIGHT = {
    "a role with a path": by(f"{ROLE}/mail/a~b/{'x' * 64}"),
    "a role in GovCloud": by(ROLE.replace("arn:aws", "arn:aws-us-gov") + "/x"),
    "an endpoint that is called as the bucket": at("s3://minio/in/", "https://minio.example.com"),
    "an endpoint of a VPC": at("s3://mail/in/", "https://bucket.vpce-1a2b3c4d-5e6f.s3.us-east-1.vpce.amazonaws.com"),
    "a dualstack endpoint": at("s3://mail/in/", "https://s3.dualstack.eu-central-1.amazonaws.com"),
    "a queue of AWS at its own endpoint": at(AWS_QUEUE, "https://sqs-fips.eu-central-1.amazonaws.com"),
    "a queue of AWS on this machine": at(AWS_QUEUE, "http://127.0.0.1:4566"),
    "a queue of another service": at("sqs://https://elastic.example.com/000000000000/q", "https://elastic.example.com"),
    "beside what is Mailroom's own": to(
        "s3://spool/archive/", "folder:///var/mailroom/spool-of-mail/", "sqs://doorbells",
        f'{{to: "https://mail.example/webhooks", {HOOK}}}',
    ),
    "all the tags that fit": s3('tags: "a=1, b=2, c=3, d=4, e=5, f=6, g=7"'),
    "tags with all that S3 takes": s3('tags: "Größe=a b+c-d=e.f_g:h/i@j, empty="'),
    "no tags": s3("tags: none, conditions: none"),
    "30 short pairs of metadata": s3(f"metadata: '{', '.join(f'k{n}=v' for n in range(30))}'"),
    "1,600 bytes of metadata": s3(f"metadata: X-Team.name_1={'x' * 1580}"),
    "a number as an option": s3("metadata: cost-center=7, kms_key: 1234abcd-12ab-34cd-56ef-1234567890ab"),
    "a key by its alias": s3("kms_key: alias/mail/eu"),
    "a key by ARN": s3('kms_key: "arn:aws-cn:kms:cn-north-1:123456789012:key/mrk-1234abcd12ab34cd56ef1234567890ab"'),
    "a key in the environment": s3("kms_key: env:KMS_KEY"),
    "variables in pairs": s3('tags: "team=env:STAGE, key=env:KMS_KEY"'),
    "every storage class of an ordinary bucket": s3("storage_class: GLACIER_IR"),
    "a directory bucket": s3("storage_class: EXPRESS_ONEZONE, tags: none", bucket="mail--euc1-az1--x-s3"),
    "an access point by its alias": to("s3://mail-hrzrlukc5m36ft7okagglf3gmwluquse1b-s3alias/in/"),
    "a bucket with dots and digits": to("s3://1.mail.2/in/"),
    "a deep path": to('"s3://mail/{source}/{type}/{yyyy}/{mm}/{dd}/{sender}/{batch}/{stem}/{document_id}/{filename}"'),
    "two keys beside each other": to('"s3://mail/{document_id}.pdf"', '"s3://mail/{document_id}.json"'),
    "the same place in two rows": two_rows("s3://mail/in/, sqs://q", "s3://mail/in/, sqs://q"),
    "a queue by name": to("sqs://" + "q" * 80),
    "a FIFO queue": to('{to: "sqs://q.fifo", group: type}'),
    "a FIFO queue with its group in the environment": to(f'{{to: "{SQS}/q.fifo", group: batch}}'),
    "a queue here and one of its name elsewhere": to(
        "sqs://q", "sqs://https://sqs.us-east-1.amazonaws.com/123456789012/q"
    ),
    "two accounts": to(f"{SQS}/q", "sqs://https://sqs.eu-central-1.amazonaws.com/210987654321/q"),
    "queues of China, of a private endpoint, of the oldest host": to(
        "sqs://https://sqs.cn-north-1.amazonaws.com.cn/123456789012/q",
        "sqs://https://vpce-0a1b2c-xyz.sqs.eu-central-1.vpce.amazonaws.com/123456789012/r",
        "sqs://https://queue.amazonaws.com/123456789012/s",
    ),
    "a queue of a local AWS": to('"sqs://http://localhost:4566/000000000000/q"'),
    "queues with a port, over two address families, with FIPS": to(
        "sqs://https://sqs.eu-central-1.amazonaws.com:443/123456789012/q",
        "sqs://https://sqs.us-east-1.api.aws/123456789012/r",
        "sqs://https://sqs-fips.us-gov-west-1.amazonaws.com/123456789012/s",
    ),
    "queues of other partitions": to(
        "sqs://https://sqs.eusc-de-east-1.amazonaws.eu/123456789012/q",
        "sqs://https://sqs.us-iso-east-1.c2s.ic.gov/123456789012/r",
    ),
    "a queue of a region that is newer than botocore": a_queue("sqs.ap-southeast-99.amazonaws.com"),
    "a queue of a local AWS by its address": a_queue("[::1]:4566", scheme="http", account="000000000000"),
    "a key of another store": s3("kms_key: my-minio-key, tags: none"),
    "a key of a new region": s3('kms_key: "arn:aws:kms:mx-central-2:123456789012:alias/mail/eu"'),
    "an access point's alias of a directory bucket": to("{to: s3://mail--euc1-az1--xa-s3/in/, tags: none}"),
    "a queue of another service at an endpoint of its own": to(
        '{to: "sqs://https://queues.acme.example/1/q", endpoint: "https://queues.acme.example"}'
    ),
    "a bucket alone": to("s3://mail/"),
    "a bucket of 63 characters": to(f"s3://{'m' * 63}/in/"),
    "a key of other alphabets": to('"s3://mail/Rechnungen/Größe/請求書/"'),
    "a key with signs": to("\"s3://mail/a b/c+d/(e)/f=g/h,i/j@k/!'~/\""),
    "a file called by its type": to('"s3://mail/{document_id}.{type}"'),
    "one folder in another": to('"folder:///mail/{document_id}"', '"folder:///mail/all/{document_id}/{filename}"'),
    "a hidden folder": to('"folder:///mail/.archive/{document_id}-{filename}"'),
    "objects below an object": to('"s3://mail/{document_id}"', '"s3://mail/{document_id}/{filename}"'),
    "a queue and its FIFO namesake": to("sqs://q", "sqs://q.fifo"),
    "an endpoint with a user and an escape": to(f'{{to: "https://me:x@a.example/a%20b/$1/*", {HOOK}}}'),
    "an endpoint without a path": to(f'{{to: "https://a.example", {HOOK}}}'),
    "rows that say continue into one place": two_rows('"folder:///mail/in/"', '"folder:///mail/in/"'),
    "certainty": "- {type: invoice, min_confidence: 1, to: s3://mail/in/}\n- {type: '*', review: true}",
    "a sender without a domain": when("{source: folder, sender: john.doe}"),
    "a piece that came by mail": when("{source: piece, subject: '*x*', parent_category: invoice, min_pages: 3}"),
    "pages of pictures": when("{media_type: ['image/*', application/pdf], max_pages: 1}"),
    "what may be adopted": when("{source: [adopted, folder], name: '*.pdf', min_size: 1 MB}"),
    "nobody's mail": when("{not: {sender: '?*'}}"),
    "one address of many": when("{recipient: ['invoices+*@acme.example', 'glob:ap[0-9]@acme.example']}"),
    "metadata of one's own": when("{metadata: {customer: '47*', packet: '*'}}"),
    "an endpoint": to(f'{{to: "https://mail.example:8443/hooks/{{type}}?id={{document_id}}", {HOOK}}}'),
    "an endpoint on this machine": to('{to: "http://[::1]:8000/x", unsigned: true}'),
    "an endpoint of an international name": to(f'{{to: "https://müller.example/x", {HOOK}}}'),
    "a folder": to('"folder:///srv/mail/{type}/{document_id}/{stem}.{ext}"'),
    "a folder beside": to('"folder://./out/{type}-{filename}/{document_id}"'),
    "a part from the environment": to("s3://mail/env:STAGE/in/"),
    "a source by a pattern": when("{source: 'e*'}"),
    "the category of a piece": when("{any: [{parent_category: inv*}, {parent_category: uncategorized}]}"),
}  # fmt: skip


def test_there_are_enough_of_both() -> None:
    assert len(WRONG) >= 40
    assert len(RIGHT) >= 20


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_table_is_refused_with_the_fix(kind: str) -> None:
    rows, said = WRONG[kind]
    found = errors(rows)
    assert any(said in item for item in found), found


@pytest.mark.parametrize("kind", RIGHT)
def test_a_right_table_is_neither_refused_nor_warned_of(kind: str) -> None:
    rest = ("will point to nothing", "no row has a min_confidence")
    assert [item for item in problems(RIGHT[kind]) if not any(said in item for said in rest)] == []


ODD = {
    "an empty part of a key": (to("s3://mail//in/"), "it has an empty part, between two slashes"),
    "a part that is empty for files without an extension": (
        to('"s3://mail/{document_id}/{ext}"'),
        "a file without an extension makes the part {ext} empty",
    ),
    "the same in a folder": (to('"folder:///mail/{ext}/{document_id}"'), "makes the part {ext} empty"),
    "a space at the end of a part": (to('"s3://mail/in /{document_id}"'), "the part 'in ' begins or ends with a space"),
    "a backslash": (to(r"'folder:///mail\in/'"), "\\ is literal in a path"),
    "a query in a key": (to('"s3://mail/in/?versionId=1/"'), "? is literal in a path"),
    "a fragment in a key": (to('"s3://mail/in/#1/"'), "# is literal in a path"),
    "a wildcard in a key": (to('"s3://mail/*/"'), "* is literal in a path"),
    "a field in angle brackets": (to('"s3://mail/<type>/"'), "<type> is literal in a path"),
    "a field in two braces": (to('"s3://mail/{{type}}/"'), "{{type}} stands for {type} in braces: for the field write"),
    "a shell's field": (to('"s3://mail/${type}/"'), "${type} is not a variable here"),
    "a shell's variable in the middle": (to('"folder:///srv/$STAGE/"'), "$STAGE is not a variable here"),
    "a date as strftime has it": (to('"s3://mail/%Y/%m/"'), "%Y is not a date field here: write {yyyy}"),
    "an hour as strftime has it": (to('"s3://mail/%H/"'), "%H is not a date field here: write {yyyy}, {mm} or {dd}"),
    "an escape in a key": (to('"s3://mail/my%20mail/"'), "%20 is literal: a path is not a URL"),
    "a bucket's host": (to("s3://mail.s3.amazonaws.com/in/"), "looks like an S3 host: write only the bucket's name"),
    "S3's own beginning of metadata": (s3('metadata: "x-amz-meta-team=a"'), "S3 puts x-amz-meta- before each name"),
    "a fragment of an endpoint": (to(f'{{to: "https://a.example/#/x", {HOOK}}}'), "#/x is not sent: only the part"),
    "an address to listen on": (to(f'{{to: "https://0.0.0.0/x", {HOOK}}}'), "0.0.0.0 is a listen address"),
    "metadata in other letters": (when("{metadata: {Subject: x}}"), "a mail has no 'Subject'; did you mean subject?"),
    "metadata of a misspelt name": (when("{metadata: {inner-subjct: x}}"), "did you mean inner_subject?"),
    "jobs from elsewhere that nobody adopts": (
        when("{source: adopt*}"),
        "adoption of jobs created elsewhere is off; set",
    ),
    "a subject of a file": (when("{source: folder, subject: x}"), "only e-mail has a subject"),
    "pages of a text": (when("{media_type: text/plain, min_pages: 2}"), "only PDFs have a page count, and PNG"),
    "two names of one file": (
        to('"s3://mail/{document_id}/{filename}"', '"s3://mail/{document_id}/{stem}{ext}"'),
        "for a file whose name has no extension, s3://mail/{document_id}/{stem}{ext} is the same place as to[0]",
    ),
    "a region that nobody has heard of": (a_queue("sqs.eu-centrall-1.amazonaws.com"), "'eu-centrall-1' is not a known"),
    "a key in such a region": (s3('kms_key: "arn:aws:kms:eu-nord-1:123456789012:key/x"'), "'eu-nord-1' is not a known"),
    "AWS's own key of another service": (s3("kms_key: alias/aws/ebs"), "managed key of another service"),
    "a key's id that is cut short": (s3("kms_key: 1234abcd-12ab-34cd-56ef-1234567890a"), "has the wrong length"),
    "an Object Lambda access point": (
        to("s3://mail-hrzrlukc5m36ft7okagglf3gmwluquse1b--ol-s3/in/"),
        "may return other bytes than were written",
    ),
}


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_table_is_warned_of_and_not_refused(kind: str) -> None:
    rows, said = ODD[kind]
    assert errors(rows) == []
    assert any(said in item for item in problems(rows)), problems(rows)


@pytest.mark.parametrize(
    "host", ["localstack:4566", "sqs.eu-central-1.localhost.localstack.cloud:4566", "10.0.0.5:9324"]
)
def test_a_queue_of_another_service_is_right_where_its_endpoint_is_set(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = a_queue(host, scheme="http", account="000000000000")
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS"):
        assert errors(rows, {**ENVIRON, name: "http://localhost:4566"}) == []
    monkeypatch.setattr("botocore.session.Session.get_scoped_config", lambda _: {"endpoint_url": f"http://{host}"})
    assert errors(rows) == []
    monkeypatch.setattr("botocore.session.Session.get_scoped_config", lambda _: {"region": "eu-central-1"})
    assert "is not an SQS host" in errors(rows)[0]


def test_what_is_for_mailrooms_own_use_follows_from_the_settings(tmp_path: Path) -> None:
    settings = settings_with(store=f"sqlite:///{tmp_path}/mailroom.db", queue="sqs://doorbell", inbox="sqs://inbox")
    assert own_places(settings) == {
        "MAILROOM_SPOOL": f"folder://{tmp_path}/spool",
        "MAILROOM_QUEUE": "sqs://doorbell",
        "MAILROOM_INBOX": "sqs://inbox",
        "MAILROOM_PUBLIC_URL": settings.webhook_url,
    }
    assert own_places(settings_with(spool="s3://spool/x/", public_url="", queue="local://")) == {
        "MAILROOM_SPOOL": "s3://spool/x/",
        "MAILROOM_QUEUE": "local://",
    }
