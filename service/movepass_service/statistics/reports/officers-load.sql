-- title en: Officers' work
-- title bn: কর্মকর্তাদের কাজ
-- question en: How much does each officer decide, how fast, and how often did a second look disagree?
-- question bn: প্রত্যেক কর্মকর্তা কত সিদ্ধান্ত দেন, কত দ্রুত, আর দ্বিতীয়বার দেখায় কতবার দ্বিমত হয়েছে?
-- place: 15
-- sum: decided approved rejected corrections
-- action: see-officers-work
-- column: officer | text | Officer (pseudonym) | কর্মকর্তা (ছদ্মনাম)
-- column: decided | count | Decided | সিদ্ধান্ত
-- column: approved | count | Approved | অনুমোদিত
-- column: rejected | count | Rejected | নামঞ্জুর
-- column: corrections | count | Asked to correct | সংশোধন চাওয়া
-- column: in_bulk | count | In bulk | একসঙ্গে অনেক
-- column: proposed | count | Proposed, confirmed by another | প্রস্তাব, অন্যজনের নিশ্চিত করা
-- column: median_s | s | Half of the cases had waited | অর্ধেক আবেদনের অপেক্ষা ছিল
-- column: looked_at | count | Approvals looked at again | আবার দেখা অনুমোদন
-- column: disagreed | count | Second looks that disagreed | দ্বিমত
-- column: reversed | count | Approvals reversed | বাতিল করা অনুমোদন
WITH theirs AS (
    SELECT type, outcome, officer, other_officer, is_bulk, case_s
    FROM facts
    WHERE {days} AND (type = 'looked' OR (type = 'decided' AND decided_by = 'officer')){filters}
), work AS (
    SELECT officer, 'decided' AS part, outcome, is_bulk, case_s FROM theirs WHERE type = 'decided'
    UNION ALL
    SELECT other_officer, 'proposed', outcome, is_bulk, NULL FROM theirs
    WHERE type = 'decided' AND other_officer IS NOT NULL
    UNION ALL
    SELECT other_officer, 'looked', outcome, is_bulk, NULL FROM theirs WHERE type = 'looked'
)
SELECT
    officer,
    count(*) FILTER (WHERE part = 'decided') AS decided,
    count(*) FILTER (WHERE part = 'decided' AND outcome = 'approve') AS approved,
    count(*) FILTER (WHERE part = 'decided' AND outcome = 'reject') AS rejected,
    count(*) FILTER (WHERE part = 'decided' AND outcome = 'needs-correction') AS corrections,
    count(*) FILTER (WHERE part = 'decided' AND is_bulk) AS in_bulk,
    count(*) FILTER (WHERE part = 'proposed') AS proposed,
    {quantile(case_s, 0.5)} AS median_s,
    count(*) FILTER (WHERE part = 'looked' AND outcome IN ('agreed', 'disagreed')) AS looked_at,
    count(*) FILTER (WHERE part = 'looked' AND outcome = 'disagreed') AS disagreed,
    count(*) FILTER (WHERE part = 'looked' AND outcome = 'reversed') AS reversed
FROM work
GROUP BY officer
ORDER BY decided DESC, officer
