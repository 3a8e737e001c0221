-- title en: Applications and decisions by district
-- title bn: জেলা অনুযায়ী আবেদন ও সিদ্ধান্ত
-- question en: Where do trips begin, and how are they decided there?
-- question bn: যাত্রা কোথা থেকে শুরু হয়, আর সেখানে কী সিদ্ধান্ত হয়?
-- place: 9
-- filter: reason reason
-- filter: lane lane
-- column: district | district | District | জেলা
-- column: applied | count | Applications | আবেদন
-- column: approved | count | Approved | অনুমোদিত
-- column: rejected | count | Rejected | নামঞ্জুর
-- column: referred | count | Referred to an officer | কর্মকর্তার কাছে পাঠানো
-- column: corrections | count | Asked to correct | সংশোধন চাওয়া
-- column: issued | count | Passes issued | ইস্যু করা পাস
-- column: withdrawn | count | Withdrawn | প্রত্যাহার
-- column: expired | count | Expired | মেয়াদ শেষ
WITH counted AS (
    SELECT from_district, type, outcome, count(*) AS events
    FROM facts
    WHERE {days} AND type IN ('applied', 'decided', 'issued', 'withdrawn', 'expired'){filters}
    GROUP BY from_district, type, outcome
)
SELECT
    from_district AS district,
    {results}
FROM counted
GROUP BY from_district
ORDER BY applied DESC, district
