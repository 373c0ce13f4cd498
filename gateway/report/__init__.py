"""A home's last four weeks as one page of HTML: no network, no script, opens anywhere."""
