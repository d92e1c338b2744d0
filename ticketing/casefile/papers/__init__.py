"""The papers pinned to a ticket that have a road of their own: 会签表 and 派工单 (procedure 3.4.5, 3.5).

One mover for both, as `tickets.commands.advance` is the one for tickets.
"""
