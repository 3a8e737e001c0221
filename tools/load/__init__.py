"""The April 2021 hour against the embedded service: `make load MINUTES=5`.

Or:

    PYTHONPATH=tools:tests python -m load --minutes 5

15,000 applications a minute came to the first movement pass site. Here they come to `movepass service run` as a process
of its own, over real HTTP, from a generator that does not wait for answers: people come on schedule, and how long they
wait counts from when they came. Everything shares one machine.
"""
