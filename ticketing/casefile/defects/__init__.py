"""Defects 报修项目 of a ticket (procedure 3.4.5): part, phenomenon, trade, place in the home.

Who: the records clerk at intake, the surveyors in the flat. A ticket holds one or more; a survey judges each of them, a
work order gathers those of one class for one team.
"""
