"""What a failed request to an engine means, in words that say what to do."""

from container_updates.errors import causes

ANOTHER = "another one: -H or DOCKER_HOST"
_MAX_REASON = 200


def words(error: BaseException, shown: str, path: str, server: str = "") -> str:
    """Return one line about a request for `path` that got no answer, from the first of its causes that tells.

    `server`: what listens there, where it is no engine.
    """
    found = list(causes(error))
    if server and not any(isinstance(cause, TimeoutError) or _told_of_tls(cause, shown) for cause in found):
        reasons = [one_line(cause.strerror) for cause in found if isinstance(cause, OSError) and cause.strerror]
        return f"no {server} at {shown}: {reasons[0] if reasons else type(found[-1]).__name__}"
    for cause in found:
        told = _told(cause, shown, path)
        if told:
            return told
    for cause in found:
        if isinstance(cause, OSError) and cause.strerror:
            return f"no engine at {shown}: {one_line(cause.strerror)} ({ANOTHER})"
    return f"{shown} breaks off GET {path}: no HTTP, or an incomplete answer ({type(found[-1]).__name__})"


def silent(shown: str, path: str) -> str:
    """Return the line about an engine that lets the time pass."""
    return f"{shown} does not answer GET {path} in time (-t gives it longer)"


def one_line(value: object) -> str:
    """Return a text in one line, of bounded length."""
    return " ".join(str(value).split())[:_MAX_REASON]


def _told(cause: BaseException, shown: str, path: str) -> str:
    program = "Podman" if "podman" in shown else "Docker"
    match cause:
        case FileNotFoundError():
            return f"no engine at {shown}: no such socket (is {program} running? {ANOTHER})"
        case PermissionError():
            group = "root or the socket's owner" if program == "Podman" else "a member of group docker (equals root)"
            return f"permission denied on {shown}: run as {group} or use a read-only socket proxy"
        case ConnectionRefusedError():
            return f"no engine at {shown}: nobody listens there (is {program} running? {ANOTHER})"
        case TimeoutError():
            return silent(shown, path)
    return _told_of_tls(cause, shown)


def _told_of_tls(cause: BaseException, shown: str) -> str:
    import ssl

    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"no trusted TLS to {shown}: {cause.verify_message} (its CA: --tls-ca or DOCKER_CERT_PATH)"
    if isinstance(cause, ssl.SSLError):
        reason = one_line(cause.reason or cause.strerror or "broken")
        return f"no TLS with {shown}: {reason} (client certificate: --tls-cert, --tls-key or DOCKER_CERT_PATH)"
    return ""
