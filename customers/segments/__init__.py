"""Segments: rules as data, compiled to SQL, and the sentences that say them in words.

`fields` is the catalogue that rules may name, `rules` checks a tree, `compiler` makes it a QuerySet,
`explanations` says why one customer fits, `sentences` says a tree in words. The semantics: decision 0060.
"""
