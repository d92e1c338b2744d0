"""The working calendar (procedure 3.4.5): which days people work, as rows with their official source.

Holidays and make-up days 调休 of each year come from a State Council notice; a company may close on
further days. A year without its notice answers by the weekend rule and is marked provisional.
"""
