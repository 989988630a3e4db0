const char *three(void)
{
	return __FILE__;
}
