// Everything that rewards: programs, rewards, campaigns with their codes, referrals, and the rules that bound them.
export { Campaign, Campaigns } from './campaigns.tsx'
export { Loyalties, Loyalty } from './loyalty.tsx'
export { Referral, Referrals } from './referrals.tsx'
export { Reward, Rewards } from './rewards.tsx'
export { Rule, Rules } from './rules.tsx'
export { Voucher } from './voucher.tsx'
