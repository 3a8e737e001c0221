-- title en: Checks at posts by hour
-- title bn: ঘণ্টা অনুযায়ী চেকপোস্টে যাচাই
-- question en: What do posts find in each hour: forged, revoked, shown before?
-- question bn: প্রতি ঘণ্টায় চেকপোস্টে কী ধরা পড়ে: জাল, বাতিল, আগে দেখানো?
-- place: 13
-- sum: checks valid forged revoked other
-- chart: forged revoked other shown_before
-- filter: district district
-- column: day | day | Day | দিন
-- column: hour | hour | Hour | ঘণ্টা
-- column: checks | count | Checks | যাচাই
-- column: valid | count | Valid | বৈধ
-- column: forged | count | Forged | জাল
-- column: revoked | count | Revoked | বাতিল
-- column: other | count | Other verdicts | অন্য ফল
-- column: shown_before | count | Shown before | আগে দেখানো
-- column: let_through | count | Not verified, let through | যাচাই হয়নি, যেতে দেওয়া
-- column: sent_back | count | Not verified, sent back | যাচাই হয়নি, ফেরত পাঠানো
-- column: called_in | count | Not verified, called in | যাচাই হয়নি, ফোনে জানা
SELECT
    day,
    hour,
    {checks}
FROM facts
WHERE {days} AND type = 'counted'{filters}
GROUP BY day, hour
ORDER BY day, hour
