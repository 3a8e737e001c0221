-- title en: Refusals by rule
-- title bn: নিয়ম অনুযায়ী নামঞ্জুর
-- question en: Which rules refuse, and how often?
-- question bn: কোন নিয়মে কতবার নামঞ্জুর হয়?
-- place: 6
-- shares: of all rows
-- filter: district from_district
-- filter: reason reason
-- column: rule_row | text | Rule | নিয়ম
-- column: rule_set | text | Version of the rules | নিয়মের সংস্করণ
-- column: refused | count | Refused | নামঞ্জুর
-- column: share | % | Share of all refusals by rules | নিয়মে সব নামঞ্জুরের অংশ
SELECT
    rule_row,
    rule_set,
    count(*) AS refused,
    1e2 * count(*) / sum(count(*)) OVER () AS share
FROM facts
WHERE {days} AND type = 'decided' AND outcome = 'reject' AND decided_by = 'rules'{filters}
GROUP BY rule_row, rule_set
ORDER BY refused DESC, rule_row, rule_set
