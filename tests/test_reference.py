"""Image references as `docker pull` reads them, to the letter."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from container_updates.errors import InvalidReference
from container_updates.reference import Reference, is_digest, parse

SHA256, SHA512 = "sha256:" + "0a" * 32, "sha512:" + "0a" * 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nginx", ("docker.io", "library/nginx", "latest", None)),
        ("nginx:1.27", ("docker.io", "library/nginx", "1.27", None)),
        ("grafana/loki", ("docker.io", "grafana/loki", "latest", None)),
        ("docker.io/nginx", ("docker.io", "library/nginx", "latest", None)),
        ("docker.io/library/nginx:1", ("docker.io", "library/nginx", "1", None)),
        ("index.docker.io/nginx", ("docker.io", "library/nginx", "latest", None)),
        ("index.docker.io/grafana/loki:3", ("docker.io", "grafana/loki", "3", None)),
        ("registry-1.docker.io/nginx", ("registry-1.docker.io", "nginx", "latest", None)),
        ("localhost/built:1", ("localhost", "built", "1", None)),
        ("localhost:5000/a/b", ("localhost:5000", "a/b", "latest", None)),
        ("localhost:5000", ("docker.io", "library/localhost", "5000", None)),
        ("registry:2", ("docker.io", "library/registry", "2", None)),
        ("reg.example:5000/team/web:1", ("reg.example:5000", "team/web", "1", None)),
        ("HOST/web", ("HOST", "web", "latest", None)),
        ("Reg.Example/web:Tag", ("Reg.Example", "web", "Tag", None)),
        ("gitlab.example/group/sub/project/image:v1", ("gitlab.example", "group/sub/project/image", "v1", None)),
        ("[::1]/web", ("[::1]", "web", "latest", None)),
        ("[2001:db8::1]:5000/team/web:1", ("[2001:db8::1]:5000", "team/web", "1", None)),
        ("192.0.2.1:5000/web", ("192.0.2.1:5000", "web", "latest", None)),
        (f"nginx@{SHA256}", ("docker.io", "library/nginx", None, SHA256)),
        (f"nginx:1.27@{SHA256}", ("docker.io", "library/nginx", "1.27", SHA256)),
        (f"reg.example:5000/web:1@{SHA512}", ("reg.example:5000", "web", "1", SHA512)),
        (f"reg.example:5000/web@{SHA256}", ("reg.example:5000", "web", None, SHA256)),
        ("a__b/c.d/e-f/g---h/i_j", ("docker.io", "a__b/c.d/e-f/g---h/i_j", "latest", None)),
        ("web:" + "t" * 128, ("docker.io", "library/web", "t" * 128, None)),
        ("web:_.-x", ("docker.io", "library/web", "_.-x", None)),
        ("x.y/" + "r" * 255, ("x.y", "r" * 255, "latest", None)),
        ("r" * 247, ("docker.io", "library/" + "r" * 247, "latest", None)),
        ("docker.io/library", ("docker.io", "library/library", "latest", None)),
        ("cafe", ("docker.io", "library/cafe", "latest", None)),
        ("a" * 63, ("docker.io", "library/" + "a" * 63, "latest", None)),
    ],
)
def test_reference(text: str, expected: tuple[str, str, str | None, str | None]) -> None:
    assert parse(text) == Reference(*expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "/",
        ":",
        "@",
        ":tag",
        "/nginx",
        "nginx/",
        "nginx:",
        "nginx@",
        "nginx:@" + SHA256,
        "@" + SHA256,
        "NGINX",
        "reg.example/Web",
        "team/Web",
        "-web",
        "web-",
        "a..b",
        "a___b",
        "a._b",
        "a//b",
        "a.b//c",
        "nginx:1.27 ",
        "nginx\n",
        "nginx:1\n",
        f"nginx@{SHA256}\n",
        "nginx:.1",
        "nginx:-1",
        "nginx:a/b",
        "web:" + "t" * 129,
        "x.y/" + "r" * 256,
        "r" * 248,
        "-host.example/web",
        "host-.example/web",
        "host..example/web",
        "host.example:/web",
        "host.example:port/web",
        "[::1/web",
        "[::g]/web",
        "[fe80::1%eth0]/web",
        "http://reg.example/web",
        "user@reg.example/web",
        "nginx@sha256:abc",
        "nginx@sha256:" + "A" * 64,
        "nginx@sha384:" + "0" * 96,
        "nginx@md5:" + "0" * 32,
        "nginx@" + SHA256 + "0",
        f"nginx@{SHA256}@{SHA256}",
        f"nginx@{SHA256}:tag",
        "ngiñx",
        "nginx:１",
        "x" * 5000,
        "\ud800",
        "<none>:<none>",
        "<none>@<none>",
    ],
)
def test_no_reference(text: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["0a" * 32, SHA256])
def test_bare_image_id_is_never_a_name_to_ask_for(text: str) -> None:
    with pytest.raises(InvalidReference, match="an image id, not an image reference"):
        parse(text)


def test_name_leaves_out_tag_and_digest() -> None:
    assert parse(f"nginx:1@{SHA256}").name == "docker.io/library/nginx"


@pytest.mark.parametrize("text", [SHA256, SHA512])
def test_digest_in_its_right_form(text: str) -> None:
    assert is_digest(text)


@pytest.mark.parametrize(
    "text", ["", "sha256", "sha256:", SHA256.upper(), SHA256[:-1], SHA256 + "0", SHA256[:-1] + "g"]
)
def test_digest_in_any_other_form(text: str) -> None:
    assert not is_digest(text)


def _matching(pattern: str) -> st.SearchStrategy[str]:
    return st.from_regex(pattern, fullmatch=True)


_LABEL = r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,8}[a-zA-Z0-9])?"
_REGISTRIES = st.one_of(
    st.just("docker.io"),
    _matching(rf"({_LABEL})(\.{_LABEL}){{1,3}}(:[0-9]{{1,5}})?").filter(lambda host: host != "index.docker.io"),
    _matching(rf"{_LABEL}:[0-9]{{1,5}}"),
    _matching(r"\[[a-fA-F0-9]{0,4}:[a-fA-F0-9:]{1,34}\](:[0-9]{1,5})?"),
    st.just("localhost"),
)
_PART = r"[a-z0-9]{1,8}(([._]|__|-{1,3})[a-z0-9]{1,8}){0,2}"
_REPOSITORIES = _matching(rf"{_PART}(/{_PART}){{1,4}}")
_TAGS = _matching(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,20}") | st.just("t" * 128)
_DIGESTS = st.sampled_from([SHA256, SHA512]) | st.binary(min_size=32, max_size=32).map(
    lambda raw: f"sha256:{raw.hex()}"
)
_REFERENCES = st.one_of(
    st.builds(Reference, _REGISTRIES, _REPOSITORIES, _TAGS),
    st.builds(Reference, _REGISTRIES, _REPOSITORIES, st.none(), _DIGESTS),
    st.builds(Reference, _REGISTRIES, _REPOSITORIES, _TAGS, _DIGESTS),
)


@given(_REFERENCES)
def test_parse_reads_what_was_printed(reference: Reference) -> None:
    assert parse(str(reference)) == reference


_ALPHABET = st.sampled_from(["a", "Z", "0", ".", "-", "_", "/", ":", "@", "[", "]", "docker.io", SHA256, "localhost"])


@given(st.one_of(st.text(), st.lists(_ALPHABET, max_size=12).map("".join)))
@example("\x00")
def test_any_text_is_a_reference_or_our_own_error(text: str) -> None:
    try:
        reference = parse(text)
    except InvalidReference:
        return
    assert parse(str(reference)) == reference
    assert is_digest(reference.digest) if reference.digest else reference.tag
