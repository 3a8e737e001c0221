-- title en: Limits that refuse
-- title bn: সীমায় নামঞ্জুর
-- question en: How often is an application refused because of a limit?
-- question bn: সীমা পার হওয়ায় কতবার আবেদন নামঞ্জুর হয়?
-- place: 7
-- chart: per_day per_week overlap
-- filter: district from_district
-- filter: reason reason
-- column: day | day | Day | দিন
-- column: per_day | count | Passes of a day | দিনের সীমা
-- column: per_week | count | Passes of a week | সপ্তাহের সীমা
-- column: overlap | count | Two passes at one time | একই সময়ে দুটি পাস
-- column: decided | count | All decisions | সব সিদ্ধান্ত
-- column: share | % | Refused by a limit | সীমায় নামঞ্জুরের অংশ
SELECT
    day,
    count(*) FILTER (WHERE quota = 'day') AS per_day,
    count(*) FILTER (WHERE quota = 'week') AS per_week,
    count(*) FILTER (WHERE quota = 'overlap') AS overlap,
    count(*) AS decided,
    1e2 * count(quota) / count(*) AS share
FROM facts
WHERE {days} AND type = 'decided' AND outcome IN ('approve', 'reject'){filters}
GROUP BY day
ORDER BY day
