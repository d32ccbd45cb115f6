"""What a policy says about sources and builders."""

import pytest

from container_updates.chain.source.decide import is_allowed


@pytest.mark.parametrize(
    "what", ["https://github.com/acme/../evil", "https://github.com/acme/%2E%2e/evil/.github/x.yml"]
)
@pytest.mark.parametrize("pattern", ["https://github.com/acme/*", "https://github.com/acme/**", "**"])
def test_an_address_that_climbs_is_below_nothing(what: str, pattern: str) -> None:
    assert not is_allowed(what, [pattern])
    assert is_allowed("https://github.com/acme/app", [pattern])


def test_where_no_pattern_is_given_everything_is_allowed() -> None:
    assert is_allowed(None, [])
    assert not is_allowed(None, ["https://github.com/acme/*"])
