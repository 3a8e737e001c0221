-- title en: Checks at posts by district
-- title bn: জেলা অনুযায়ী চেকপোস্টে যাচাই
-- question en: Where do posts find forged and revoked passes?
-- question bn: কোন জেলার চেকপোস্টে জাল ও বাতিল পাস ধরা পড়ে?
-- place: 14
-- sum: checks valid forged revoked other
-- chart: forged
-- column: district | district | District of the post | চেকপোস্টের জেলা
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
    district,
    {checks}
FROM facts
WHERE {days} AND type = 'counted'{filters}
GROUP BY district
ORDER BY forged DESC, district
