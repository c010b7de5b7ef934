"""What to write where YAML can't be read: a parser says what it expected, not what the writer has to do."""

from __future__ import annotations

_KEYS = "Indent it as the keys beside it are, by blanks; after a closing quotation mark the line ends"
_QUOTES = "Close the quotation mark that was opened there"
_ADVICE = {
    "mapping values are not allowed": "Put a text with a colon and a blank in quotes; indent keys alike, by blanks",
    "expected node content": "Write the value that is missing, or close the bracket: [ with ], { with }",
    "did not find expected ',' or '": "Close the bracket, or put a comma between two values",
    "did not find expected key": _KEYS,
    "expected '-' indicator": "Indent it as the other items of the list are, by blanks",
    "could not find expected ':'": "Write it as key: value, with a blank after the colon",
    "cannot start any token": "Indent by blanks, not by tabs; put a text that begins with @, ` or % in quotes",
    "found a tab character": "Indent by blanks, not by tabs",
    "unexpected end of stream": _QUOTES,
    "unexpected document indicator": _QUOTES,
    "unknown escape character": "Write the backslash twice, or put the text in single quotes",
    "block sequence entries": "Begin the list on a line of its own, below its key",
    "expected <document start>": "Leave out the bracket that closes nothing, or begin a new document with ---",
    "control characters": "Leave out that character",
    "not UTF-8": "Save the file as UTF-8",
    "names nothing that is complete": "Write the value itself in place of the alias",
    "aliases": "Write out what is needed, and leave the aliases away",
    "values in all": "Leave out what the App doesn't need: a rollout of that many is none that anybody could look at",
    "the tag ": "Leave out the tag, and put the value in quotes if it is a text",
    "a key has to be a text": "Put the key in quotes",
    "stands here and in line": "Leave out one of the two",
    "apiVersion": "Write apiVersion, kind and metadata, or leave this document out",
}
_OTHERWISE = "Correct that line, or what is unfinished before it"


def advice(problem: str) -> str:
    """What to write where `problem`, a reason of `InvalidYaml`, was found."""
    return next((what for part, what in _ADVICE.items() if part in problem), _OTHERWISE)
