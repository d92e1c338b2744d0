"""工作日历 (procedure 3.4.5): a year at a glance, the official list of the next one, company closures.

Everybody may look; the customer service manager and the administrator propose changes, and a second one of them
puts them in force. Before it: the notice of the State Council, each November. After it: due dates that have not
come yet are reckoned anew and the change is journalled on each paper.
"""
