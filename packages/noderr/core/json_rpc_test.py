"""A node answers what was asked, whole and in time; anything else is an error that names the node and never its key."""

from __future__ import annotations

import json
from typing import Any

import pytest

from noderr.core.json_rpc import JsonRpc, Question
from noderr.core.json_rpc_errors import (
    JsonRpcAnswerError,
    JsonRpcRefusedError,
    JsonRpcUnreachableError,
    JsonRpcUrlError,
)
from noderr.core.json_rpc_testing import MAX_ANSWER_BYTES, answered, http_response, results, rpc_node

ASKED = (Question("eth_chainId"), Question("eth_call", ({"to": "0x01"}, "latest")))
SECRET = "/v3/0123456789abcdef"


async def ask(response: bytes, *, then_hang: bool = False) -> list[object]:
    async with rpc_node(lambda questions: response, then_hang=then_hang, path=SECRET) as rpc:
        return await rpc.ask(ASKED)


async def test_each_question_has_its_answer() -> None:
    seen: list[Any] = []

    def respond(questions: list[dict[str, Any]]) -> bytes:
        seen.extend(questions)
        return results("0x1", {"any": [None, True]})

    async with rpc_node(respond) as rpc:
        assert await rpc.ask(ASKED) == ["0x1", {"any": [None, True]}]
    assert seen == [
        {"jsonrpc": "2.0", "id": 0, "method": "eth_chainId", "params": []},
        {"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [{"to": "0x01"}, "latest"]},
    ]


async def test_answers_may_come_in_any_order_and_be_null() -> None:
    assert await ask(answered({"id": 1, "result": None}, {"id": 0, "result": 7, "error": None})) == [7, None]


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(http_response(b""), id="nothing"),
        pytest.param(http_response(b"<html>"), id="a page"),
        pytest.param(http_response(b"\xff\xfe"), id="no text"),
        pytest.param(http_response(b"[" * 60_000), id="a tower"),
        pytest.param(http_response(b'{"a":' * 10_000), id="a tower of objects"),
        pytest.param(http_response(b"7"), id="a number"),
        pytest.param(http_response(b"[1, 2]"), id="numbers"),
        pytest.param(http_response(b"{}"), id="an empty object"),
        pytest.param(http_response(b'{"jsonrpc":"2.0","id":0,"result":"0x1"}'), id="one for two"),
        pytest.param(results("0x1"), id="one too few"),
        pytest.param(results("0x1", "0x2", "0x3"), id="one too many"),
        pytest.param(answered({"result": 1}, {"id": 0, "result": 1}), id="one twice"),
        pytest.param(answered({"result": 1}, {"id": 2, "result": 1}), id="another number"),
        pytest.param(answered({"result": 1}, {"id": None, "result": 1}), id="no number"),
        pytest.param(answered({"result": 1}, {"id": "1", "result": 1}), id="a text"),
        pytest.param(answered({"result": 1}, {"id": True, "result": 1}), id="a truth"),
        pytest.param(answered({"result": 1}, {}), id="no result"),
        pytest.param(answered({"result": 1}, {"result": 1, "jsonrpc": "1.0"}), id="another version"),
        pytest.param(answered({"result": 1}, {"result": 1, "error": {"code": 3, "message": "x"}}), id="both"),
        pytest.param(answered({"result": 1}, {"error": {"code": "3", "message": "x"}}), id="no error"),
        pytest.param(http_response(b'[{"jsonrpc":"2.0","id":0,"result":' + b"9" * 9000 + b"}]"), id="a long number"),
        pytest.param(http_response(b'[{"jsonrpc":"2.0","id":0,"result":1e99999}]'), id="a large number"),
    ],
)
async def test_what_is_no_answer_is_refused(response: bytes) -> None:
    with pytest.raises(JsonRpcAnswerError):
        await ask(response)


@pytest.mark.parametrize(
    "response",
    [
        answered({"result": 1}, {"error": {"code": 3, "message": "execution reverted " + "x" * 9000, "data": "0x"}}),
        http_response(json.dumps({"jsonrpc": "2.0", "id": None, "error": {"code": 3, "message": "no"}}).encode()),
    ],
)
async def test_what_the_node_refuses_has_its_code(response: bytes) -> None:
    with pytest.raises(JsonRpcRefusedError) as refused:
        await ask(response)
    assert refused.value.code == 3
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (http_response(b"[]", "500 Internal Server Error"), "answers 500"),
        (http_response(b"[]", "429 Too Many Requests"), "answers 429"),
        (http_response(b"", "302 Found", "Location: http://127.0.0.1:1/"), "answers 302"),
        (http_response(b" " * (MAX_ANSWER_BYTES + 1)), f"more than {MAX_ANSWER_BYTES} bytes"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"4000\r\n" + b" " * 0x4000, "RemoteProtocolError"),
        (b"SSH-2.0-x\r\n", "RemoteProtocolError"),
        (b"", "RemoteProtocolError"),
    ],
)
async def test_what_is_not_whole_does_not_count(response: bytes, reason: str) -> None:
    with pytest.raises(JsonRpcUnreachableError, match=reason) as unreachable:
        await ask(response)
    assert "0123456789abcdef" not in str(unreachable.value), "providers put their customers' keys into addresses"


async def test_who_hangs_is_left() -> None:
    with pytest.raises(JsonRpcUnreachableError, match=r"within 0\.5 s"):
        await ask(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[", then_hang=True)


async def test_nobody_there_is_said() -> None:
    async with JsonRpc(f"http://user:word@127.0.0.1:9{SECRET}", timeout_seconds=5) as rpc:
        assert rpc.name == "http://127.0.0.1:9"
        with pytest.raises(JsonRpcUnreachableError, match="^http://127.0.0.1:9 does not answer: ConnectError"):
            await rpc.ask(ASKED)


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:8545", "ws://127.0.0.1", "file:///etc/passwd", "http://", "http://[::1"]
)
def test_an_address_is_an_address(url: str) -> None:
    with pytest.raises(JsonRpcUrlError):
        JsonRpc(url)
