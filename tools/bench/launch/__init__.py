"""April 2021 at the gate: a simulation with the real admission code, and what each part on AWS must scale to."""
