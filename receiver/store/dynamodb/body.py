"""The body of an item: the record's JSON, compressed where that is shorter, against a dictionary of our own words.

Each started KB of an item is a write unit, two in a transaction. A compressed body begins with the dictionary's number.
"""

import base64
import zlib
from typing import Any

from receiver.core.errors import Misconfigured

PACKED = "zlib:"
"""What an older Mailroom's compressed body begins with, as text; a newer one is bytes."""
_FIRST = (
    b'{"id":"cls-","kind":"classify","document_id":"doc_","created_at":17,"transaction_id":"mailroom-","st'
    b'atus":"pending","status":"completed","deadline":17,"heard_at":17,"checks":0,"beta":false,"pages":nul'
    b'l,"credits":1.0,"segments":[],{"id":":doc_","type":"classify.success","job_id":"cls-","sent_at":17,"'
    b'received_at":17,"verified_by":["token:0"],{"id":"submit:doc_:0","kind":"submit","subject":"doc_","du'
    b'e_at":17,"created_at":17,"state":"running","attempts":1,{"id":"react:cls-:classify.success:doc_","ki'
    b'nd":"react","subject":"doc_","due_at":17,"created_at":17,"details":{"event_id":"","type":"classify.s'
    b'uccess","job_id":"cls-","other_id":"","document_id":"doc_"},"note":"completed",{"id":"deliver:dlv_:3'
    b'","kind":"deliver","subject":"doc_","due_at":17,"created_at":17,"details":{"delivery_id":"dlv_","to"'
    b':"s3://"},"state":"done","attempts":1,"owner":"","lease_until":17,"lease_seconds":90.0,"note":"job c'
    b'ls-","finished_at":17,"expires_at":17,"version":2}{"id":"doc_","name":".pdf","sha256":"","size":,"me'
    b'dia_type":"application/pdf","origin":{"kind":"s3","locator":"","sender":"","by_sender":false},"conte'
    b'nt":"s3://?versionId=","taken_in_at":17,"naming":2,"version":1,"state":"open","step":"taken_in","ste'
    b'p":"submitted","step":"decided","state":"routed","step":"settled","packet":false,"mail":false,"parts'
    b'":[],"batch_id":"doc_","parent_id":"","pages":[],"category":"","category_confidence":"","page_count"'
    b':null,"cuts":[],"duplicate_of":"","metadata":{},"file_id":"dfl-","file_expires_at":null,"job_id":"cl'
    b's-","submissions":0,"uploads":0,"installation":"","transactions":["mailroom--classify-doc_-0-"],"dea'
    b'dline":17,"classification":{"type":"invoice","confidence":0.9,"reasoning":"The document "},"error":"'
    b'","plan":{"way":"matched","route":"","reason":"type \' with confidence 0.9, at least 0.","to":[{"url"'
    b':"s3://","options":{}},{"url":"sqs://","options":{}}],"via":[],"review":false,"trace":[{"route":"","'
    b'matched":true,"why":"type \'\' with confidence 0.9, at least 0.","unknown":false}],"table":"","decided'
    b'_at":17},"shadow":null,"deliveries":[{"id":"dlv_","to":{"url":"s3://","options":{}},"route":"","stat'
    b'e":"delivered","receipt":{"location":"s3://","checksum":"sha256:","fresh":true,"manifest":"s3://.mai'
    b'lroom.json"},"delivered_at":17,"error":"","place":"s3://","meaning":"routed","claim":"","sequence":0'
    b',"replaces":"","superseded":false,"owes_pointer":false,"options_changed":false,"run":3},{"id":"dlv_"'
    b',"to":{"url":"sqs://","options":{}},"route":"","state":"pending","receipt":null,"delivered_at":null,'
    b'"error":"","place":"sqs://","meaning":"routed","claim":"clm_","sequence":1,"replaces":"","superseded'
    b'":false,"owes_pointer":false,"options_changed":false,"run":3}],"sequence":1,"placed":false,"history"'
    b':[{"at":17,"what":"received","detail":"s3 "},{"at":17,"what":"submitted","detail":"classify job cls-'
    b', file dfl-"},{"at":17,"what":"decided","detail":"matched: type \'"},{"at":17,"what":"delivered","det'
    b'ail":"s3://"},{"at":17,"what":"delivered","detail":"sqs://https://sqs."}],"forgotten_at":null,"parts'
    b'_state":null,"passed_over_at":null}'
)
_SECOND = (
    b'{"kind":"folder","locator":"{"kind":"upload","locator":"{"kind":"email","locator":"spool:,"media_type":"i'
    b'mage/jpeg","media_type":"text/plain","https://","state":"review","state":"failed","step":"taken_in","step'
    b'":"submitted","step":"decided","category":"split job spl-"{"id":"doc_","name":".pdf","sha256":"","size":,'
    b'"media_type":"application/pdf","origin":{"kind":"s3","locator":"","sender":"","by_sender":false},"content'
    b'":"s3://?versionId=","taken_in_at":17,"naming":2,"version":5,"state":"routed","step":"settled","packet":f'
    b'alse,"mail":false,"parts":[],"batch_id":"doc_","parent_id":"","pages":[],"category":"","category_confiden'
    b'ce":"","page_count":null,"cuts":[],"duplicate_of":"","metadata":{},"file_id":"dfl-","file_expires_at":nul'
    b'l,"job_id":"cls-","submissions":0,"uploads":0,"installation":"","transactions":["mailroom--classify-doc_-'
    b'0-"],"credits":1.0,"unpriced_jobs":0,"deadline":17,"classification":{"type":"","confidence":0.98,"reasoni'
    b'ng":""},"error":"","plan":{"way":"matched","route":"","reason":"type \'\' with confidence 0.98, at least '
    b'0.00","to":[{"url":"s3://","options":{}},{"url":"sqs://","options":{}}],"via":[],"review":false,"trace":['
    b'{"route":"","matched":true,"why":"type \'\' with confidence 0.98, at least 0.00","unknown":false}],"table'
    b'":"","decided_at":17},"shadow":null,"deliveries":[{"id":"dlv_","to":{"url":"s3://","options":{}},"route":'
    b'"","state":"delivered","receipt":{"location":"s3://doc_","checksum":"sha256:","fresh":true,"manifest":"s3'
    b'://doc_.mailroom.json"},"delivered_at":17,"error":"","place":"s3://doc_","meaning":"routed","claim":"","s'
    b'equence":0,"replaces":"","superseded":false,"owes_pointer":false,"options_changed":false,"run":3},{"id":"'
    b'dlv_","to":{"url":"sqs://","options":{}},"route":"","state":"delivered","receipt":{"location":"sqs://http'
    b's://sqs.eu-central-1.amazonaws.com/#","checksum":"","fresh":true,"manifest":""},"delivered_at":17,"error"'
    b':"","place":"sqs://","meaning":"routed","claim":"clm_","sequence":1,"replaces":"","superseded":false,"owe'
    b's_pointer":false,"options_changed":false,"run":3}],"sequence":1,"placed":false,"history":[{"at":17,"what"'
    b':"received","detail":"s3 "},{"at":17,"what":"submitted","detail":"classify job cls-, file dfl-"},{"at":17'
    b',"what":"decided","detail":"matched: type \'\' with confidence 0.98, at least 0.00"},{"at":17,"what":"del'
    b'ivered","detail":"s3://doc_"},{"at":17,"what":"delivered","detail":"sqs://https://sqs.eu-central-1.amazon'
    b'aws.com/#"}],"forgotten_at":null,"parts_state":null,"passed_over_at":null}'
)
_THIRD = (
    b'},"earlier_results":[],"corrected_type":"","decisions":[],"error":"","plan":{"way":"matched","route":"'
    b'"unknown":false}],"table":"","decided_at":17},"set_aside":null,"shadow":null,"deliveries":[{"id":"dlv_'
)
DICTIONARIES = {
    1: _FIRST,
    2: _FIRST + _SECOND,
    3: _FIRST + _SECOND + _THIRD,
}
"""What a body is compressed against: records with little in them, documents last, as theirs are the longest. One that
was ever used stays as it is; better ones get the next number. From number 2 on the item's key follows it."""
NEWEST = max(DICTIONARIES)
DAMAGE = (KeyError, IndexError, ValueError, zlib.error)
"""What ``unpacked`` raises for a body that is damaged."""


def packed(body: str, pk: str) -> dict[str, Any]:
    """The body attribute of the item with this key."""
    raw = body.encode()
    packer = zlib.compressobj(level=9, wbits=-zlib.MAX_WBITS, memLevel=9, zdict=_dictionary(NEWEST, pk))
    short = bytes([NEWEST]) + packer.compress(raw) + packer.flush()
    return {"B": short} if len(short) < len(raw) else {"S": body}


def unpacked(body: dict[str, Any], pk: str) -> str | bytes:
    """The JSON in a body attribute. Raises one of DAMAGE, or Misconfigured for what a newer Mailroom has compressed."""
    if "B" in body:
        short: bytes = base64.b64decode(body["B"]) if isinstance(body["B"], str) else bytes(body["B"])
        if short[0] > NEWEST:
            raise Misconfigured(
                f"{pk} was written by a newer Mailroom (dictionary {short[0]}; this one knows {NEWEST})",
                fix="install that version",
            )
        unpacker = zlib.decompressobj(wbits=-zlib.MAX_WBITS, zdict=_dictionary(short[0], pk))
        raw = unpacker.decompress(short[1:])
        if not unpacker.eof:
            raise ValueError("its body ends too early")
        return raw
    text: str = body["S"]
    return zlib.decompress(base64.b64decode(text.removeprefix(PACKED))) if text.startswith(PACKED) else text


def _dictionary(number: int, pk: str) -> bytes:
    return DICTIONARIES[number] + (pk.encode() if number > 1 else b"")
