"""Which part of the network a host stands for, however it is written, and who may lead us there."""

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container_updates.untrusted.addresses import Reach, address, is_loopback, may_lead_to, reach

LOOPBACK = [
    "127.0.0.1", "127.0.0.1:5000", "127.8.9.10", "127.1", "127.1:5000", "0x7f.1", "0X7F.0.0.1", "0177.0.0.1",
    "2130706433", "017700000001", "0x7f000001", "127.0.0.1.", "[::1]", "[::1]:5000", "::1", "[0:0:0:0:0:0:0:1]",
    "[::ffff:7f00:1]", "[::ffff:127.0.0.1]:5000", "localhost", "localhost:5000", "LOCALHOST", "localhost.",
    "\uff11\uff12\uff17.0.0.1", "127\u30020\u30020\u30021", "\u24db\u24de\u24d2alhost",
]  # fmt: skip
"""This machine for certain."""
MACHINE = [
    *LOOPBACK, "0.0.0.0", "0", "0.0.0.0:80", "0.1.2.3", "[::]", "[::ffff:0:0]", "[::127.0.0.1]", "[2002:7f00:1::]",
    "[64:ff9b::7f00:1]", "registry.localhost", "localhost.localdomain", "ip6-localhost", "", ":5000",
]  # fmt: skip
SITE = [
    "10.1.2.3", "10.1.2.3:5000", "172.16.0.1", "192.168.1.1", "100.64.0.1", "167837955", "0xa010203", "012.1.2.3",
    "[fd00::1]", "[fd00::1%eth0]:5000", "[::ffff:10.1.2.3]", "[64:ff9b::a01:203]", "240.0.0.1", "224.0.0.1",
    "255.255.255.255", "[ff02::1]", "10.66051",
]  # fmt: skip
LINK = [
    "169.254.169.254", "169.254.169.254:80", "2852039166", "0xa9fea9fe", "[fe80::1]", "[fe80::1%25eth0]", "[fe80::1%1]",
    "[::ffff:169.254.169.254]",
]  # fmt: skip
ANYWHERE = [
    "registry.example.com", "registry.example.com:5000", "1.1.1.1", "[2606:4700::1111]", "127.0.0.1.example.com",
    "localhost.example.com", "0x7f.example.com", "10.example.com", "deadbeef", "8.8", "mylocalhost",
]  # fmt: skip


@pytest.mark.parametrize(
    ("hosts", "where"),
    [(MACHINE, Reach.MACHINE), (SITE, Reach.SITE), (LINK, Reach.LINK), (ANYWHERE, Reach.ANYWHERE)],
    ids=lambda one: getattr(one, "name", ""),
)
def test_a_host_is_what_it_leads_to_however_it_is_written(hosts, where):
    assert {host: reach(host) for host in hosts} == dict.fromkeys(hosts, where)


def test_only_what_is_this_machine_for_certain_is_loopback():
    hosts = [*MACHINE, *SITE, *LINK, *ANYWHERE]
    assert [host for host in hosts if is_loopback(host)] == LOOPBACK


@pytest.mark.parametrize("here", ["registry.example.com", "1.1.1.1", "10.1.2.3"])
def test_nobody_elsewhere_leads_us_to_this_machine_or_its_link(here):
    assert [host for host in [*MACHINE, *LINK] if may_lead_to(here, host)] == []


def test_a_private_address_is_reached_from_one_like_it_from_this_machine_and_from_a_name_that_has_one():
    assert [host for host in SITE if may_lead_to("registry.example.com", host)] == []
    assert [host for host in SITE if not may_lead_to("192.168.1.5:5000", host)] == []
    assert [host for host in SITE if not may_lead_to("localhost:5000", host)] == []
    private = [ipaddress.ip_address("10.9.9.9")]
    assert [host for host in SITE if not may_lead_to("registry.example.com", host, lambda name: private)] == []
    assert not may_lead_to("registry.example.com", "127.0.0.1", lambda name: [ipaddress.ip_address("127.0.0.1")])
    assert not may_lead_to("registry.example.com", "10.1.2.3", lambda name: [ipaddress.ip_address("1.1.1.1")])


def test_this_machine_leads_to_itself_but_not_to_what_knows_its_secrets():
    assert may_lead_to("localhost:5000", "127.0.0.1:5001")
    assert may_lead_to("registry.localhost", "127.0.0.1:5001")
    assert not may_lead_to("127.0.0.1:5000", "169.254.169.254")
    assert may_lead_to("169.254.1.1:5000", "169.254.1.1:5001")


@pytest.mark.parametrize("here", ["registry.example.com", "1.1.1.1", "10.1.2.3", "127.0.0.1"])
def test_public_addresses_and_names_are_reached_from_everywhere(here):
    assert all(may_lead_to(here, host) for host in ANYWHERE)


@given(st.ip_addresses(v=4), st.sampled_from(["{}", "0x{:x}", "0{:o}"]))
def test_an_address_is_known_in_each_form_that_connect_takes(found, form):
    number = int(found)
    assert address(form.format(number)) == found
    parts = [form.format(part) for part in found.packed]
    assert address(".".join(parts)) == ipaddress.IPv4Address(socket.inet_aton(".".join(parts)))
    assert address(f"[::ffff:{found}]:443") == found


@given(st.text(max_size=40))
def test_any_text_at_all_has_a_place(host):
    assert reach(host) in Reach
    assert may_lead_to(host, host)
