"""Makes what `container_updates.demo.signed` holds, with new keys: `python -m tests.demo.sign` prints it."""

from container_updates.demo import signed
from container_updates.demo.registry.server import RegistryServer
from tests.support import forge


def main() -> None:
    """Print all of them."""
    release, stranger = forge.new_key(), forge.new_key()
    with RegistryServer() as registry:
        api, search = signed.push(registry, "api"), signed.push(registry, "search")
    print(f'PUBLIC_KEY = """\\\n{forge.pem(release).decode()}"""')
    print(f'BY_RELEASE_KEY = "{_dsse(release, signed.statement(api))}"')
    print(f'BY_STRANGER = "{_dsse(stranger, signed.statement(search))}"')
    print(f'API_BUILT = "{_dsse(release, signed.provenance(api, "api"))}"')
    print(f'SEARCH_BUILT = "{_dsse(release, signed.provenance(search, "find"))}"')
    print(f'OF_ANOTHER = "{forge.b64(forge.sign(release, signed.payload(api)))}"')


def _dsse(key: object, content: bytes) -> str:
    kind = signed.IN_TOTO.encode()
    return forge.b64(forge.sign(key, b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(content), content)))


if __name__ == "__main__":
    main()
