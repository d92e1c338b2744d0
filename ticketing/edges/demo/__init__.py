"""The demo database: people and events of an invented property group, told through the commands.

`flask demo load` fills an empty database. A story is a generator that yields the instants at which it
goes on (`story`); people are in `cast`, homes in `town`, the words of complaints in `matters_home`
and `matters_service`, the lives of tickets in `lives`, what lies on the desks today in `desks`.
"""
