"""Promises about ports: free ones are free, and a taken one is told with who has it."""

from __future__ import annotations

import os
import socket

import pytest

from tools.stack.ports import PortBusy, claim, free_ports, is_free


def test_free_ports_are_different_and_free() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert all(is_free(port) for port in ports)


def test_more_ports_than_there_are_is_an_error() -> None:
    with pytest.raises(PortBusy, match="no 99999 free ports"):
        free_ports(99_999)


def test_a_free_port_that_was_asked_for_is_given() -> None:
    (port,) = free_ports(1)
    assert claim(port) == port


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_a_taken_port_is_named_with_who_has_it(address: str) -> None:
    with socket.create_server((address, 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortBusy) as raised:
            claim(port)
    assert f"port {port} of 127.0.0.1 is taken by" in raised.value.reason
    assert f"(process {os.getpid()})" in raised.value.reason
    assert "another port" in raised.value.solution


def test_a_port_whose_last_connection_was_just_closed_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = server.accept()
            accepted.close()  # the side that closes first is the one that keeps the port for a minute
    assert claim(port) == port
