-- title en: Applications and decisions by hour
-- title bn: ঘণ্টা অনুযায়ী আবেদন ও সিদ্ধান্ত
-- question en: How many people applied in each hour, and what was decided in it?
-- question bn: কোন ঘণ্টায় কত আবেদন এসেছে, আর কী সিদ্ধান্ত হয়েছে?
-- place: 1
-- filter: district from_district
-- filter: reason reason
-- column: day | day | Day | দিন
-- column: hour | hour | Hour | ঘণ্টা
-- column: applied | count | Applications | আবেদন
-- column: approved | count | Approved | অনুমোদিত
-- column: rejected | count | Rejected | নামঞ্জুর
-- column: referred | count | Referred to an officer | কর্মকর্তার কাছে পাঠানো
-- column: corrections | count | Asked to correct | সংশোধন চাওয়া
-- column: issued | count | Passes issued | ইস্যু করা পাস
-- column: withdrawn | count | Withdrawn | প্রত্যাহার
-- column: expired | count | Expired | মেয়াদ শেষ
WITH counted AS (
    SELECT day, hour, type, outcome, count(*) AS events
    FROM facts
    WHERE {days} AND type IN ('applied', 'decided', 'issued', 'withdrawn', 'expired'){filters}
    GROUP BY day, hour, type, outcome
)
SELECT
    day,
    hour,
    {results}
FROM counted
GROUP BY day, hour
ORDER BY day, hour
