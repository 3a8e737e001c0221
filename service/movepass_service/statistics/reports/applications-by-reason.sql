-- title en: Applications and decisions by reason
-- title bn: কারণ অনুযায়ী আবেদন ও সিদ্ধান্ত
-- question en: Why do people travel, and how is each reason decided?
-- question bn: মানুষ কেন যাতায়াত করে, আর কোন কারণে কী সিদ্ধান্ত হয়?
-- place: 8
-- filter: district from_district
-- column: reason | reason | Reason | কারণ
-- column: applied | count | Applications | আবেদন
-- column: approved | count | Approved | অনুমোদিত
-- column: rejected | count | Rejected | নামঞ্জুর
-- column: referred | count | Referred to an officer | কর্মকর্তার কাছে পাঠানো
-- column: corrections | count | Asked to correct | সংশোধন চাওয়া
-- column: issued | count | Passes issued | ইস্যু করা পাস
-- column: withdrawn | count | Withdrawn | প্রত্যাহার
-- column: expired | count | Expired | মেয়াদ শেষ
WITH counted AS (
    SELECT reason, type, outcome, count(*) AS events
    FROM facts
    WHERE {days} AND type IN ('applied', 'decided', 'issued', 'withdrawn', 'expired'){filters}
    GROUP BY reason, type, outcome
)
SELECT
    reason,
    {results}
FROM counted
GROUP BY reason
ORDER BY applied DESC, reason
