-- A `device_fault` may be about the pin of the home: its datum seems to be another. It follows from
-- the readings alone and lasts beside one about the band, so that its site class is its own.

ALTER TABLE finding DROP CONSTRAINT finding_site_class_check;
ALTER TABLE finding ADD CONSTRAINT finding_site_class_check
    CHECK (site_class IN ('core', 'skin', 'home', ''));
