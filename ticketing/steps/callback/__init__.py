"""Callback 回访 (procedure 3.5.4): within one working day a clerk asks whether the customer is content.

Who: records clerk or office, never the handler himself. Before: `handling`. After: closed when content,
back to `handling` as rework when not, still waiting when nobody answers.
"""
