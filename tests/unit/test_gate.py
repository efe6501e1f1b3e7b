"""Who may see a run in a browser."""

import pytest

from cqltui.app.gate import Asked, Gate

GATE = Gate(8421, "T0KEN-of-the-run")
OWN, NAME = "127.0.0.1:8421", "localhost:8421"


@pytest.mark.parametrize(
    "asked",
    [
        Asked([OWN], [], GATE.token),
        Asked([NAME], [], GATE.token),
        Asked(["LOCALHOST:8421"], ["http://localhost:8421"], GATE.token),
        Asked([OWN], [f"http://{OWN}"], GATE.token, is_websocket=True),
    ],
)
def test_the_own_page_with_the_token_comes_in(asked: Asked) -> None:
    assert GATE.refused(asked) == ""


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (Asked([OWN], []), "token"),
        (Asked([OWN], [], GATE.token[:-1]), "token"),
        (Asked([OWN], [], GATE.token + "x"), "token"),
        (Asked([OWN], [], "t0ken-of-the-run"), "token"),
        (Asked([OWN], [], "\udc80é"), "token"),
        (Asked(["evil.example:8421"], [], GATE.token), "this server is"),  # DNS rebinding: the name leads here now
        (Asked(["evil.example:8421"], ["http://evil.example:8421"], GATE.token, is_websocket=True), "this server is"),
        (Asked(["127.0.0.1"], [], GATE.token), "this server is"),
        (Asked(["127.0.0.1:8422"], [], GATE.token), "this server is"),
        (Asked(["127.0.0.1.evil.example:8421"], [], GATE.token), "this server is"),
        (Asked([f"{OWN}@evil.example"], [], GATE.token), "this server is"),
        (Asked([""], [], GATE.token), "this server is"),
        (Asked([], [], GATE.token), "this server is"),
        (Asked([OWN, OWN], [], GATE.token), "this server is"),
        (Asked([OWN], ["http://evil.example"], GATE.token), "another page"),
        (Asked([OWN], ["http://evil.example"], GATE.token, is_websocket=True), "another page"),
        (Asked([OWN], ["null"], GATE.token, is_websocket=True), "another page"),
        (Asked([OWN], [f"https://{OWN}"], GATE.token, is_websocket=True), "another page"),
        (Asked([OWN], ["http://127.0.0.1:9000"], GATE.token, is_websocket=True), "another page"),
        (Asked([OWN], [f"http://{NAME}"], GATE.token, is_websocket=True), "another page"),
        (Asked([OWN], [f"http://{OWN}", "http://evil.example"], GATE.token, is_websocket=True), "another page"),
        (Asked([OWN], [], GATE.token, is_websocket=True), "another page"),  # a browser names it with each WebSocket
        (Asked([OWN], [f"http://{OWN}"], "", is_websocket=True), "token"),
    ],
)
def test_others_are_refused(asked: Asked, why: str) -> None:
    assert why in GATE.refused(asked)
    assert GATE.token not in GATE.refused(asked)


def test_a_server_on_the_port_of_the_web_is_called_without_it() -> None:
    gate = Gate(80, "t")
    assert gate.refused(Asked(["localhost"], ["http://localhost"], "t", is_websocket=True)) == ""
    assert gate.refused(Asked(["evil.example"], [], "t")) != ""
