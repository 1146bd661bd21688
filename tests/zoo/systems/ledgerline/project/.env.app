DATABASE_URL=postgresql://ledger:oak-leaf-31@db/ledger
REDIS_URL=redis://cache:6379/0
SECRET_KEY=3f9a
