"""The reference control centre: what an integrator tests against, and what the demo shows."""
