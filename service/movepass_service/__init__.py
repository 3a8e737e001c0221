"""The issuing service: people apply, rules and officers decide, and approved applications become passes.

One process on one machine (`movepass service run`), with the issuer inside. Rooms: `applications` (what people send,
and its checks), `rules` (the decision table), `decisions` (records, cases and the log), `stores`, `web` (pages and the
API).
"""
