"""Handling 处理 (procedure 3.4.2.2, 3.4.4, 3.4.5 other complaints, 3.4.7): the department answers.

Who: the responsible department's handler; the office follows up. Before: `dispatch`. After: `callback`.
Feedback within 3 working days, a result within one week; every step is written on the form.
"""
