"""Why somebody is not signed in: in words for them, and more for the server's log."""

from __future__ import annotations


class NotSignedIn(Exception):
    """`message`: for the sign-in page. `detail`: for the server's log, without anything that is secret."""

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail


class NoAnswer(NotSignedIn):
    """The issuer cannot be reached, or answers nothing of use."""

    def __init__(self, host: str, detail: str) -> None:
        super().__init__(
            f"{host} does not answer as it should now. Try again in a moment, or sign in with a token.",
            detail,
        )


class NotTrusted(NotSignedIn):
    """What came as the issuer's word is not, or is not for us, or not of now."""

    def __init__(self, host: str, detail: str) -> None:
        super().__init__(
            f"What came from {host} cannot be trusted, so that nobody was signed in. Try again; if it stays so, tell "
            "an owner of the workspace, whose server's log says why.",
            detail,
        )
