"""The page on which people elsewhere sign in: the only one that is shown to whoever has no key, so that it is whole."""

from __future__ import annotations

import base64
import hashlib
from html import escape

_STYLE = (
    ":root{color-scheme:light dark;--line:light-dark(#c5ccd4,#434b55);--soft:light-dark(#57606a,#9aa4af);"
    "--link:light-dark(#0b62c4,#6cb0ff);--wrong:light-dark(#b3261e,#ff8a80)}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:24rem;margin:16vh auto 2rem;padding:0 1.25rem;"
    "color:light-dark(#1b1f24,#e6e9ed);background:light-dark(#fff,#15181c)}"
    "h1{font-size:1.35rem;margin:0 0 1.25rem}label{display:block;font-weight:600;margin-bottom:.35rem}"
    "input{box-sizing:border-box;width:100%;font:inherit;padding:.5rem .65rem;border:1px solid var(--line);"
    "border-radius:6px;background:transparent;color:inherit}"
    "button,.go{font:inherit;font-weight:600;width:100%;margin-top:1rem;padding:.55rem;border:0;border-radius:6px;"
    "background:light-dark(#0b62c4,#2467bd);color:#fff;cursor:pointer}"
    ".less{background:transparent;color:inherit;border:1px solid var(--line)}"
    ".go{display:block;box-sizing:border-box;text-align:center;text-decoration:none;margin:0}"
    ":focus-visible{outline:2px solid var(--link);outline-offset:2px}"
    "p{color:var(--soft);font-size:.9rem}.wrong{color:var(--wrong);font-size:1rem}"
    "code{font-family:ui-monospace,monospace}"
)
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""Nothing but its own style, and a form that is sent here."""


def page(workspace: str, to: str, wrong: str, begin: str = "", by: str = "") -> bytes:
    """`to`: the page that is shown then. `wrong`: why the last try was in vain. `begin`: where a sign-in by an issuer,
    whose host is `by`, begins; empty: there is none."""
    said = f'<p class="wrong" role="alert">{escape(wrong)}</p>' if wrong else ""
    hint = ' aria-invalid="true"' if wrong else ""
    kept = f'<input type="hidden" name="to" value="{escape(to)}">' if to else ""
    name = escape(workspace)
    other, first, less = "", " autofocus", ""
    if begin:
        other = (
            f'<p class="by"><a class="go" href="{escape(begin)}">Sign in with {escape(by)}</a></p>'
            "<p>Or with a token:</p>"
        )
        first, less = "", ' class="less"'
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Sign in · {name}</title><style>{_STYLE}</style></head><body><main>"
        f"<h1>Sign in to {name}</h1>{said}{other}"
        f'<form method="post">{kept}<label for="token">Token</label>'
        f'<input id="token" name="token" type="password" required{first} autocomplete="current-password" '
        f'spellcheck="false" aria-describedby="hint"{hint}><button{less}>Sign in</button></form>'
        '<p id="hint">The same token as for <code>faena login</code>. An owner of the workspace gives you one, and '
        "<code>faena token new</code> makes further ones.</p></main></body></html>\n"
    ).encode()
