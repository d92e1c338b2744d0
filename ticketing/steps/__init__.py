"""The road, one room a step, in the order of the procedure (3.4): intake, dispatch, handling, callback,
closing. The repair branch (survey, work orders, acceptance, settlement) joins here with its own rooms.
"""
