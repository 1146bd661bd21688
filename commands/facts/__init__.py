"""What the rows tell about incidents, runbooks, machines and dr.yml."""
