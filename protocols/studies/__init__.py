"""Studies: controlled comparisons, each of which answers one question, and each one file.

A file defines ``study(*, quick: bool) -> Study``, which lists what is compared and what is measured, and a function
that writes the answer from the results. Its name is that of the study (``rank_or_gaussian.py``: ``ssl-irmae study
rank-or-gaussian``), and its docstring says who asked. Every module in this package is a study: there is no list to add
it to. All else is shared, in ``protocols.studying``; what a study lists, and how a question becomes one, is in the
docstring of :class:`~ssl_irmae.protocols.studying.study.Study`.
"""
