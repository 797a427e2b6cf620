-- Who was asked to see to an alert, in order; `deadline_at`, until when. A deadline is a row that
-- waits: one that passed while nobody ran is found here afterwards.
ALTER TABLE alert ADD COLUMN told text[] NOT NULL DEFAULT '{}';
CREATE INDEX alert_by_deadline ON alert (deadline_at) WHERE response <> 'closed';
CREATE INDEX alert_by_assignee ON alert (assignee) WHERE response <> 'closed';

-- What nobody has acknowledged by now is overdue.
UPDATE alert SET deadline_at = raised_at WHERE response = 'open' AND deadline_at IS NULL;

-- Shifts had no form before this version and were not used.
UPDATE staff SET shifts = '[]' WHERE shifts <> '[]';

GRANT UPDATE (told) ON alert TO doorstep_carer;
