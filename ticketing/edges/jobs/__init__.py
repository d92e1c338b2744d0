"""Jobs: what the system does by itself. APScheduler only ticks; a job finds its work in the database.

`schedule` is the table of jobs, `running` takes one turn of whatever is due, `scheduler` ticks inside the server
or in a process of its own (`flask jobs run`), `flask jobs once NAME` runs one for a cron.
"""
