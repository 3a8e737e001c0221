-- title en: Cases waiting
-- title bn: অপেক্ষায় থাকা আবেদন
-- question en: How many cases wait for an officer at the end of each hour, and how long has the oldest one waited?
-- question bn: প্রতি ঘণ্টার শেষে কত আবেদন কর্মকর্তার অপেক্ষায় থাকে, আর সবচেয়ে পুরোনোটি কতক্ষণ ধরে?
-- place: 5
-- chart: waiting urgent
-- filter: district from_district
-- filter: reason reason
-- column: day | day | Day | দিন
-- column: hour | hour | Hour | ঘণ্টা
-- column: waiting | count | Cases waiting | অপেক্ষায়
-- column: urgent | count | Of these urgent | এর মধ্যে জরুরি
-- column: oldest_s | s | The oldest has waited for | সবচেয়ে পুরোনোটির অপেক্ষা
-- column: urgent_oldest_s | s | The oldest urgent one | সবচেয়ে পুরোনো জরুরিটির অপেক্ষা
-- note: No case waits for more than four days, as its trip is over by then, so older days are not read.
WITH moves AS (
    SELECT lane, case_opens AS opened, case_opens AS moved, 1 AS change
    FROM facts
    WHERE {days_back(4)} AND case_opens IS NOT NULL{filters}
    UNION ALL
    SELECT lane, case_opened, {event_hour}, -1
    FROM facts
    WHERE {days_back(4)} AND case_opened IS NOT NULL{filters}
), opened_together AS (
    SELECT lane, opened, moved, sum(change) AS change
    FROM moves
    GROUP BY lane, opened, moved
), left_of_them AS (
    SELECT
        lane,
        opened,
        moved,
        lead(moved) OVER (PARTITION BY lane, opened ORDER BY moved) AS ended,
        sum(change) OVER (PARTITION BY lane, opened ORDER BY moved) AS waiting
    FROM opened_together
)
SELECT
    {day_of(h)} AS day,
    h % 24 AS hour,
    coalesce(sum(waiting), 0) AS waiting,
    coalesce(sum(waiting) FILTER (WHERE lane = 'urgent'), 0) AS urgent,
    (h + 1 - min(opened)) * 3600 AS oldest_s,
    (h + 1 - min(opened) FILTER (WHERE lane = 'urgent')) * 3600 AS urgent_oldest_s
FROM {hours}
LEFT JOIN left_of_them ON waiting > 0 AND moved <= h AND (ended IS NULL OR h < ended)
GROUP BY h
ORDER BY h
