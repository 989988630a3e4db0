const char *one(void)
{
	return __FILE__;
}
