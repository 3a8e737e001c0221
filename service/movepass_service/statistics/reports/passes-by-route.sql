-- title en: Passes by route
-- title bn: পথ অনুযায়ী পাস
-- question en: Which routes have the most passes that begin in these days?
-- question bn: এই দিনগুলোয় শুরু হওয়া পাস কোন পথে বেশি?
-- place: 11
-- filter: from from_district
-- filter: to to_district
-- filter: reason reason
-- column: from_district | district | From | কোথা থেকে
-- column: to_district | district | To | কোথায়
-- column: passes | count | Passes | পাস
-- column: pass_hours | h | Their hours together | মোট ঘণ্টা
-- column: revoked | count | Revoked | বাতিল
-- note: A pass is issued at most 72 hours ahead, so four days before are read.
-- note: What was revoked counts under the hour from which it was taken away.
SELECT
    from_district,
    to_district,
    count(*) FILTER (WHERE type = 'issued') AS passes,
    coalesce(sum(hours) FILTER (WHERE type = 'issued'), 0) AS pass_hours,
    count(*) FILTER (WHERE type = 'revoked') AS revoked
FROM facts
WHERE {days_back(4)} AND type IN ('issued', 'revoked') AND starts >= {since_hour} AND starts < {end_hour}{filters}
GROUP BY from_district, to_district
ORDER BY passes DESC, from_district, to_district
