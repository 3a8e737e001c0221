-- A seeded month of facts. Times are seconds since 1970 as clocks in Dhaka show them; every chance is a hash.
CREATE MACRO chance(i, k) AS (hash(CAST(i AS BIGINT) * 64 + k + {seed} * 1000003) % 1000000007) / 1000000007.0;
CREATE MACRO pick(list, x) AS list[1 + CAST(floor(x * len(list)) AS BIGINT)];
CREATE MACRO waits(x, mean) AS CAST(floor(-ln(1 - x) * mean) AS BIGINT);

CREATE TABLE applications AS
WITH come AS (
    SELECT
        i,
        {first} + CAST(floor(chance(i, 1) * {days}) AS BIGINT) * 86400
            + pick({hours}, chance(i, 2)) * 3600 + CAST(floor(chance(i, 3) * 3600) AS BIGINT) AS came,
        pick({reasons}, pow(chance(i, 4), 2.2)) AS reason,
        pick({districts}, pow(chance(i, 5), 3)) AS from_district,
        pick({districts}, pow(chance(i, 6), 2)) AS to_district,
        pick(['own-word', 'own-word', 'own-word', 'assistant', 'employer'], chance(i, 7)) AS evidence,
        CASE WHEN chance(i, 8) < 0.8 THEN 'approve' WHEN chance(i, 8) < 0.88 THEN 'reject' ELSE 'refer' END AS ruled
    FROM range({many}) AS t(i)
), read AS (
    SELECT *,
        CASE WHEN reason IN ('medical', 'burial') THEN 'urgent' ELSE 'ordinary' END AS lane,
        pick(CASE ruled
            WHEN 'approve' THEN ['within-limits', 'within-limits', 'within-limits', 'duty']
            WHEN 'reject' THEN ['three-a-day', 'three-a-day', 'three-hours', 'one-direction', 'ten-a-week']
            ELSE ['other-reason', 'journey', 'long-duty', 'closed-district'] END, chance(i, 9)) AS rule_row,
        came + 1 + waits(chance(i, 10), CASE WHEN (came // 3600) % 24 BETWEEN 7 AND 10 THEN 6 ELSE 2 END) AS rules_at,
        came + 3600 + CAST(floor(chance(i, 11) * 68 * 3600) AS BIGINT) AS begins,
        1 + CAST(floor(chance(i, 12) * 4) AS BIGINT) AS long
    FROM come
)
SELECT *, begins + long * 3600 - 1200 AS ends FROM read;

-- A case each: what rules referred, and some refusals that were appealed against.
CREATE TABLE cases AS
WITH opened AS (
    SELECT i, rules_at AS opens, ruled, FALSE AS is_appeal FROM applications WHERE ruled = 'refer'
    UNION ALL
    SELECT i, rules_at + 300 + waits(chance(i, 20), 7200), ruled, TRUE FROM applications
    WHERE ruled = 'reject' AND chance(i, 21) < 0.04
), corrected AS (  -- some applicants correct while they wait: the case closes and opens again
    SELECT *, CASE WHEN NOT is_appeal AND chance(i, 22) < 0.05 THEN opens + 60 + waits(chance(i, 23), 3600) END AS again
    FROM opened
), closed AS (
    SELECT *, coalesce(again, opens) + 60 + waits(chance(i, 24), 5400) AS closes FROM corrected
)
SELECT i, is_appeal, opens, again, a.* EXCLUDE (i, ruled),
    CASE
        WHEN closes > ends THEN 'expire'
        WHEN chance(i, 25) < 0.03 THEN 'withdraw'
        WHEN chance(i, 26) < 0.72 THEN 'approve'
        WHEN chance(i, 26) < 0.92 THEN 'reject'
        ELSE 'needs-correction' END AS outcome,
    greatest(coalesce(again, opens), least(closes, ends)) AS closes,
    'officer-' || CAST(floor(40 * pow(chance(i, 27), 1.5)) AS BIGINT) AS officer,
    CASE WHEN chance(i, 28) < 0.1 THEN 'officer-40' END AS proposed_by
FROM closed JOIN applications AS a USING (i)
WHERE opens < ends AND coalesce(again < ends, TRUE);

CREATE TABLE passes AS
WITH approved AS (
    SELECT i, rules_at AS approved_at FROM applications WHERE ruled = 'approve'
    UNION ALL SELECT i, closes FROM cases WHERE outcome = 'approve'
)
SELECT a.*, approved_at + 2 + CAST(floor(chance(i, 30) * 4) AS BIGINT) AS issued_at,
    begins // 3600 AS starts, (ends - 1) // 3600 - begins // 3600 + 1 AS hours
FROM approved JOIN applications AS a USING (i);

CREATE TABLE taken AS
SELECT *, CASE WHEN chance(i, 32) < 0.99 THEN 1 + CAST(floor(pow(chance(i, 33), 4) * 600) AS BIGINT) END AS noted_s,
    greatest(starts, taken_at // 3600) AS takes,
    starts + hours - greatest(starts, taken_at // 3600) AS takes_hours,
    pick(['withdraw', 'withdraw', 'withdraw', 'revoke', 'replaced', 'reject'], chance(i, 34)) AS outcome
FROM (
    SELECT *, issued_at + 60 + CAST(floor(chance(i, 31) * (ends - issued_at - 61)) AS BIGINT) AS taken_at
    FROM passes WHERE chance(i, 35) < 0.012 AND ends > issued_at + 120
);

CREATE TABLE events AS
SELECT came AS happens, 'applied' AS type, i AS event, reason, from_district, to_district, lane, evidence FROM applications
UNION ALL BY NAME
SELECT rules_at AS happens, 'decided' AS type, i * 4 AS event, reason, from_district, to_district, lane, evidence,
    ruled AS outcome, rule_row AS code, '2021-04-14' AS rule_set, rule_row, 'rules' AS decided_by, FALSE AS is_bulk,
    0 AS correction, rules_at - came AS waited_s,
    CASE rule_row WHEN 'three-a-day' THEN 'day' WHEN 'ten-a-week' THEN 'week' WHEN 'one-direction' THEN 'overlap' END
        AS quota,
    CASE WHEN ruled = 'refer' AND i IN (SELECT i FROM cases) THEN rules_at // 3600 END AS case_opens
FROM applications
UNION ALL BY NAME
SELECT opens AS happens, 'appealed' AS type, i * 4 + 1 AS event, reason, from_district, to_district, lane, evidence,
    'applicant' AS decided_by, opens // 3600 AS case_opens, opens - came AS waited_s
FROM cases WHERE is_appeal
UNION ALL BY NAME
SELECT again AS happens, 'decided' AS type, i * 4 + 1 AS event, reason, from_district, to_district, lane, evidence,
    'refer' AS outcome, rule_row AS code, '2021-04-14' AS rule_set, rule_row, 'rules' AS decided_by, 1 AS correction,
    again // 3600 AS case_opens, opens // 3600 AS case_opened, again - opens AS case_s, 3 AS waited_s
FROM cases WHERE again IS NOT NULL
UNION ALL BY NAME
SELECT closes AS happens,
    CASE outcome WHEN 'expire' THEN 'expired' WHEN 'withdraw' THEN 'withdrawn' ELSE 'decided' END AS type,
    i * 4 + CASE WHEN is_appeal THEN 3 ELSE 2 END AS event, reason, from_district, to_district, lane, evidence,
    outcome, 'by-' || outcome AS code,
    CASE outcome WHEN 'expire' THEN 'service' WHEN 'withdraw' THEN 'applicant' ELSE 'officer' END AS decided_by,
    CASE WHEN outcome NOT IN ('expire', 'withdraw') THEN officer END AS officer,
    CASE WHEN outcome = 'approve' THEN proposed_by END AS other_officer,
    chance(i, 40) < 0.2 AND outcome NOT IN ('expire', 'withdraw') AS is_bulk,
    CAST(again IS NOT NULL AS INTEGER) AS correction, closes - came AS waited_s,
    coalesce(again, opens) // 3600 AS case_opened, closes - coalesce(again, opens) AS case_s
FROM cases
UNION ALL BY NAME
SELECT closes + CAST(floor(chance(i, 41) * 86400) AS BIGINT) AS happens, 'looked' AS type, i * 4 AS event, lane, reason,
    CASE WHEN chance(i, 42) < 0.07 THEN 'disagreed' ELSE 'agreed' END AS outcome, 'officer-41' AS officer,
    officer AS other_officer, 'officer' AS decided_by
FROM cases WHERE outcome = 'approve' AND chance(i, 43) < 0.05
UNION ALL BY NAME
SELECT closes + 90000 AS happens, 'looked' AS type, i * 4 + 1 AS event, lane, reason,
    CASE WHEN chance(i, 44) < 0.4 THEN 'reversed' ELSE 'upheld' END AS outcome, 'officer-42' AS officer,
    officer AS other_officer, 'officer' AS decided_by
FROM cases WHERE outcome = 'approve' AND chance(i, 43) < 0.05 AND chance(i, 42) < 0.07
UNION ALL BY NAME
SELECT issued_at AS happens, 'issued' AS type, i AS event, reason, from_district, to_district, lane, evidence, starts, hours,
    0 AS correction, issued_at - came AS waited_s
FROM passes
UNION ALL BY NAME
SELECT issued_at + 900 AS happens, 'reissued' AS type, i AS event, reason, from_district, to_district, lane, starts, hours
FROM passes WHERE chance(i, 45) < 0.001
UNION ALL BY NAME
SELECT taken_at AS happens, 'revoked' AS type, i AS event, reason, from_district, to_district, lane, outcome, noted_s,
    takes AS starts, takes_hours AS hours, taken_at + noted_s - 21600 AS at_s,
    CASE outcome WHEN 'withdraw' THEN 'applicant' WHEN 'replaced' THEN 'service' ELSE 'officer' END AS decided_by
FROM taken
UNION ALL BY NAME
SELECT taken_at AS happens, 'withdrawn' AS type, i * 4 + 1000000000 AS event, reason, from_district, to_district, lane, outcome,
    'applicant' AS decided_by, taken_at - came AS waited_s
FROM taken WHERE outcome = 'withdraw'
UNION ALL BY NAME
SELECT happens, 'published' AS type, i AS event, happens - 21600 AS at_s
FROM (SELECT i, {first} + i * 300 + CAST(floor(chance(i, 50) * 20) AS BIGINT) AS happens FROM range({days} * 288) AS t(i))
WHERE (happens - {first}) // 7200 <> 16  -- two hours of the second day are without a publication
UNION ALL BY NAME
SELECT happens, 'counted' AS type, i AS event, 1 AS revision, district, district || '-' || post AS post, verdict, scans,
    CASE WHEN verdict = 'valid' THEN CAST(floor(scans * chance(i, 61) * 0.1) AS INTEGER) ELSE 0 END AS shown_before,
    CASE WHEN verdict = 'stale' THEN scans // 2 ELSE 0 END AS let_through,
    CASE WHEN verdict = 'stale' THEN scans // 4 ELSE 0 END AS sent_back,
    CASE WHEN verdict = 'stale' THEN scans - scans // 2 - scans // 4 ELSE 0 END AS called_in
FROM (
    SELECT row_number() OVER (ORDER BY hour, district, post, verdict) AS i, {first} + hour * 3600 AS happens, district, post,
        verdict, 1 + waits(chance(hour * 10007 + post * 101 + hash(district) % 100000, 60), most) AS scans
    FROM range(6, {days} * 24) AS h(hour), unnest({districts}) AS d(district), range(1, 3) AS p(post),
        (VALUES ('valid', 40), ('forged', 1), ('revoked', 2), ('expired', 3), ('stale', 2)) AS v(verdict, most)
    WHERE chance(hour * 10007 + post * 101 + hash(district) % 100000 + hash(verdict) % 1000, 62) < {posts}
)
UNION ALL BY NAME
SELECT {first} + hour * 3600 AS happens, 'lined' AS type, hour * 4 + number AS event, lane,
    places + entered + in_line AS revision, places, entered, in_line
FROM (
    SELECT hour, number, lane, waits(chance(hour * 7 + number, 70), 200) AS places,
        1 + waits(chance(hour * 7 + number, 71), 500) AS entered, waits(chance(hour * 7 + number, 72), 90) AS in_line
    FROM range(3, {days} * 24) AS h(hour), (VALUES (0, 'urgent'), (1, 'ordinary'), (3, 'slow')) AS l(number, lane)
    WHERE chance(hour * 7 + number, 73) < 0.8
);
