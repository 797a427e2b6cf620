-- What staff may see and do of what came with 0011, beside the feeds: an alert whom it asked, and for the
-- daily report when we could hear.

GRANT SELECT ON journal TO doorstep_staff;
GRANT UPDATE (told) ON alert TO doorstep_carer;
