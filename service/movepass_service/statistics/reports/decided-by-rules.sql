-- title en: Share decided by rules
-- title bn: নিয়মে সিদ্ধান্তের অংশ
-- question en: How many applications do the rules decide alone, and how many take an officer?
-- question bn: কত আবেদনের সিদ্ধান্ত শুধু নিয়মে হয়, আর কতটিতে কর্মকর্তা লাগে?
-- place: 4
-- chart: by_rules by_officers
-- filter: district from_district
-- filter: reason reason
-- column: day | day | Day | দিন
-- column: by_rules | count | Decided by rules | নিয়মে সিদ্ধান্ত
-- column: by_officers | count | Decided by officers | কর্মকর্তার সিদ্ধান্ত
-- column: in_bulk | count | Of these in bulk | এর মধ্যে একসঙ্গে অনেক
-- column: share | % | Share of rules | নিয়মের অংশ
SELECT
    day,
    count(*) FILTER (WHERE decided_by = 'rules') AS by_rules,
    count(*) FILTER (WHERE decided_by = 'officer') AS by_officers,
    count(*) FILTER (WHERE decided_by = 'officer' AND is_bulk) AS in_bulk,
    1e2 * count(*) FILTER (WHERE decided_by = 'rules') / count(*) AS share
FROM facts
WHERE {days} AND type = 'decided' AND outcome IN ('approve', 'reject'){filters}
GROUP BY day
ORDER BY day
