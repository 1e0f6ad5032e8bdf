-- Who may sign what, so that keys and roles can be shown offline.
ALTER TABLE reading ADD COLUMN trust TEXT;                      -- JSON
