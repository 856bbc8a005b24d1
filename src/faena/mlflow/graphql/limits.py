"""How much one question may ask for, in the words that MLflow's tests look for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from faena.mlflow.graphql.documents import Document, Field, Inline, Malformed, Operation, Selection, Spread

MOST_ROOTS, MOST_ALIASES, DEEPEST, MOST_SELECTIONS = 10, 10, 10, 1000
"""Fields at the top, other names in one place, levels, fields in all."""


def check(document: Document, operation: Operation) -> None:
    """Raises Malformed where it is more."""
    level = [list(spread(document, operation.selections))]
    if (roots := len(level[0])) > MOST_ROOTS:
        raise Malformed(
            f"GraphQL queries should have at most {MOST_ROOTS} root fields, got {roots} root fields."
        )
    depth, total = 0, roots
    while level:
        depth += 1
        if depth > DEEPEST:
            raise Malformed(f"Query exceeds maximum depth of {DEEPEST}")
        below: list[list[Field]] = []
        for fields in level:
            if (aliases := sum(bool(each.alias) for each in fields)) > MOST_ALIASES:
                raise Malformed(
                    f"GraphQL queries should have at most {MOST_ALIASES} aliases, got {aliases} aliases."
                )
            for each in fields:
                if each.selections:
                    below.append(list(spread(document, each.selections)))
                    total += len(below[-1])
                    if total > MOST_SELECTIONS:
                        raise Malformed(f"Query exceeds maximum total selections of {MOST_SELECTIONS}")
        level = below


def spread(
    document: Document, selections: Sequence[Selection], wanted: Callable[[Selection], bool] = lambda _: True
) -> Iterator[Field]:
    """The fields, with those of fragments in their place. Raises Malformed for a fragment that there is not."""
    found, known = 0, set[str]()
    waiting = list(reversed(selections))
    while waiting:
        selection = waiting.pop()
        if not wanted(selection):
            continue
        match selection:
            case Field() as one:
                found += 1
                if found > MOST_SELECTIONS:
                    raise Malformed(f"Query exceeds maximum total selections of {MOST_SELECTIONS}")
                yield one
            case Inline() as inline:
                waiting.extend(reversed(inline.selections))
            case Spread(name) if name in known:
                pass  # once is enough, and a circle comes to an end
            case Spread(name):
                known.add(name)
                if name not in document.fragments:
                    raise Malformed(f"Unknown fragment '{name[:100]}'.")
                waiting.extend(reversed(document.fragments[name]))
