"""moto as one server for all services: a port of its own choice, an account for each access key, CBOR for CloudWatch.

moto 5.2.5 answers 404 to rpc-v2-cbor, the only protocol that the Rust client of CloudWatch speaks: such a call is made
as awsJson1.0, and its answer encoded by the types that botocore's model of the service tells. The port is the first line
of the output; the end of the input ends the server, so it never outlives the test process, however that ends.
"""

import datetime
import io
import json
import os
import re
import sys
import threading

import botocore.session
import cbor2
from moto.dynamodb.models import DynamoDBBackend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.sqs.models import Queue
from werkzeug.serving import make_server

RPC = re.compile(r"^/service/(?P<service>\w+)/operation/(?P<operation>\w+)$")
ACCESS_KEY = re.compile(r"Credential=(\d{12})/")


class Adapter:
    def __init__(self):
        self.moto = DomainDispatcherApplication(create_backend_app)
        self.model = botocore.session.get_session().get_service_model("cloudwatch")
        # moto's state is made for one caller at a time.
        self.turn = threading.Lock()

    def __call__(self, environ, start_response):
        key = ACCESS_KEY.search(environ.get("HTTP_AUTHORIZATION", ""))
        if key:
            environ["HTTP_X_MOTO_ACCOUNT_ID"] = key[1]
        rpc = RPC.match(environ["PATH_INFO"])
        with self.turn:
            return self.rpc(environ, start_response, **rpc.groupdict()) if rpc else self.plain(environ, start_response)

    def plain(self, environ, start_response):
        return [b"".join(self.moto(environ, start_response))]

    def rpc(self, environ, start_response, service, operation):
        asked = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        body = json.dumps(cbor2.loads(asked) if asked else {}, default=as_json).encode()
        environ.update(
            {
                "PATH_INFO": "/",
                "CONTENT_TYPE": "application/x-amz-json-1.0",
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_X_AMZ_TARGET": f"{service}.{operation}",
                "wsgi.input": io.BytesIO(body),
            }
        )
        said = {}

        def hear(status, headers, exc_info=None):
            said["status"] = status

        text = b"".join(self.moto(environ, hear))
        answer = json.loads(text) if text else {}
        if said["status"].startswith("200"):
            answer = typed(answer, self.model.operation_model(operation).output_shape)
        encoded = cbor2.dumps(answer)
        headers = [("content-type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")]
        start_response(said["status"], [*headers, ("content-length", str(len(encoded)))])
        return [encoded]


def as_json(value):
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    raise TypeError(value)


def typed(value, shape):
    """JSON has one kind of number; CBOR's reader wants doubles as floats and timestamps tagged."""
    if value is None or shape is None:
        return value
    match shape.type_name:
        case "structure":
            return {name: typed(one, shape.members.get(name)) for name, one in value.items() if one is not None}
        case "list":
            return [typed(one, shape.member) for one in value]
        case "map":
            return {key: typed(one, shape.value) for key, one in value.items()}
        case "timestamp":
            return cbor2.CBORTag(1, moment(value))
        case "double" | "float":
            return float(value)
        case _:
            return value


def moment(value):
    return datetime.datetime.fromisoformat(value).timestamp() if isinstance(value, str) else float(value)


def keep_policy(set_attributes):
    """moto takes an absent Policy for an empty one, and so loses it with every other attribute that is set."""

    def set_and_keep(queue, attributes, now=None):
        kept = {"Policy": queue.policy} if getattr(queue, "policy", None) else {}
        set_attributes(queue, {**kept, **attributes}, now)

    return set_and_keep


def replace_tags(tag_resource):
    """moto keeps a table's old tag beside the new one of the same key."""

    def untag_and_tag(backend, arn, tags):
        backend.untag_resource(arn, list(tags))
        tag_resource(backend, arn, tags)

    return untag_and_tag


class Quiet(MotoRequestHandler):
    def log_request(self, *_):
        pass


def end_with_input():
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    Queue._set_attributes = keep_policy(Queue._set_attributes)
    DynamoDBBackend.tag_resource = replace_tags(DynamoDBBackend.tag_resource)
    server = make_server("127.0.0.1", 0, Adapter(), threaded=True, request_handler=Quiet)
    threading.Thread(target=end_with_input, daemon=True).start()
    print(server.server_port, flush=True)
    server.serve_forever()
