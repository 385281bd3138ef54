export { Profile, type ProfileOptions } from '../constructs/profile';
