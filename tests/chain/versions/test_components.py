"""What the numbers behind a version mean: a runtime, the operating system below, or which build it is."""

import pytest

from container_updates.chain.versions.components import Kind, split

RUNTIME, BASE, REVISION = Kind.RUNTIME, Kind.BASE, Kind.REVISION


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        ("-jdk17", [RUNTIME]),
        ("-pg14", [RUNTIME]),
        ("-php8.2-fpm", [RUNTIME]),
        ("-scala_2.12-java11", [RUNTIME, RUNTIME]),
        ("-eclipse-temurin-17", [RUNTIME]),
        ("-jdk-8-openj9", [RUNTIME, RUNTIME]),
        ("-cuda12.4-runtime", [RUNTIME]),
        ("-windowsservercore-ltsc2022", [RUNTIME]),
        ("-nanoserver-1809", [RUNTIME]),
        ("-alpine3.20", [BASE]),
        ("-debian-12-r5", [BASE, REVISION]),
        ("-ubuntu-22.04", [BASE]),
        ("-1.el9", [REVISION, BASE]),
        ("-enterprise-ubi9", [BASE]),
        ("-ls45", [REVISION]),
        ("-CU13-GDR2", [REVISION, REVISION]),
        ("-KB5037782", [REVISION]),
        ("-slim-2", [REVISION]),
        ("-ce.0", [REVISION]),
        ("-bookworm-20240501", [REVISION]),
        ("-unstable0001", [REVISION]),
        ("-1ubuntu2", [REVISION, REVISION]),
        ("-r12", [REVISION]),
        ("u292-b10", [REVISION, REVISION]),
    ],
)
def test_what_a_number_means(words: str, kinds: list[Kind]) -> None:
    assert list(split(words)[2]) == kinds


@pytest.mark.parametrize("words", ["-pr45", "-MR-45", "-issue.7"])
def test_the_number_of_a_pull_request_is_a_name(words: str) -> None:
    assert split(words) == (words, (), ())


def test_a_number_with_dots_is_one() -> None:
    assert split("-alpine3.20-r1") == ("-alpine#-r#", ((3, 20), (1,)), (BASE, REVISION))
